<?php

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Queue\SerializesModels;

/** A machine has changed. Sent at once, within the request: Machine::report() does it. */
class RvmStatusUpdated implements ShouldBroadcastNow
{
    use InteractsWithSockets, SerializesModels;

    /** @param array{id: string, place: string, status: string, fill: int, bottles: int, changedAt: int} $machine */
    public function __construct(public array $machine)
    {
    }

    public function broadcastOn(): Channel
    {
        return new Channel('rvm-status');
    }

    /** Without it the event is called by its class, and listeners need App\Events\... */
    public function broadcastAs(): string
    {
        return 'rvm.status.updated';
    }

    public function broadcastWith(): array
    {
        return $this->machine;
    }
}
