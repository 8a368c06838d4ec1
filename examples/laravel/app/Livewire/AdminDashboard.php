<?php

namespace App\Livewire;

use App\Rvm\Dashboard;
use Livewire\Attributes\On;
use Livewire\Component;

/** The figures: <livewire:admin-dashboard />, on pages of those whom routes/channels.php lets in. */
class AdminDashboard extends Component
{
    public ?int $bottles = null;

    public ?int $deposit = null;

    /** @var array<string, int> */
    public array $machines = [];

    public function mount(): void
    {
        $this->show(Dashboard::snapshot()['figures']);
    }

    #[On('echo-private:admin-dashboard,.dashboard.data.updated')]
    public function show(array $event): void
    {
        ['bottles' => $this->bottles, 'deposit' => $this->deposit, 'machines' => $this->machines] = $event;
    }

    public function render()
    {
        return view('livewire.admin-dashboard');
    }
}
