<?php

namespace Database\Seeders;

use App\Models\Machine;
use Illuminate\Database\Seeder;

class MachineSeeder extends Seeder
{
    private const PLACES = [
        'Ubud', 'Sanur', 'Canggu', 'Kuta', 'Seminyak', 'Denpasar', 'Jimbaran', 'Amed', 'Lovina', 'Gianyar', 'Tabanan', 'Nusa Dua',
    ];

    public function run(): void
    {
        foreach (self::PLACES as $index => $place) {
            Machine::query()->updateOrCreate(['code' => sprintf('RVM-%02d', $index + 1)], ['place' => $place]);
        }
    }
}
