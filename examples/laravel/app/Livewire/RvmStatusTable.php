<?php

namespace App\Livewire;

use App\Models\Machine;
use Livewire\Attributes\On;
use Livewire\Component;

/** Machines by their id, each as it is now: <livewire:rvm-status-table /> */
class RvmStatusTable extends Component
{
    /** @var array<string, array{id: string, status: string, fill: int}> */
    public array $machines = [];

    public function mount(): void
    {
        $this->machines = array_column(Machine::snapshot(), null, 'id');
    }

    /** The dot says that the name is the one of broadcastAs(), and not a class. */
    #[On('echo:rvm-status,.rvm.status.updated')]
    public function show(array $event): void
    {
        $this->machines[$event['id']] = $event;
        ksort($this->machines);
    }

    public function render()
    {
        return view('livewire.rvm-status-table');
    }
}
