<?php

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;

/** All machines, for a page that opens or comes back: the broker keeps the last event of a cache channel. */
class RvmSnapshot implements ShouldBroadcastNow
{
    use InteractsWithSockets;

    /** @param list<array<string, mixed>> $machines */
    public function __construct(public array $machines)
    {
    }

    public function broadcastOn(): Channel
    {
        return new Channel('cache-rvm-status');
    }

    public function broadcastAs(): string
    {
        return 'rvm.snapshot';
    }

    public function broadcastWith(): array
    {
        return ['machines' => $this->machines];
    }
}
