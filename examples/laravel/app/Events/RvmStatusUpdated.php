<?php

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Queue\SerializesModels;

/**
 * A machine is online, full, jammed or offline. Sent at once, within the request:
 *
 *     broadcast(new RvmStatusUpdated($machine->code, 'full', 100))->toOthers();
 */
class RvmStatusUpdated implements ShouldBroadcastNow
{
    use InteractsWithSockets, SerializesModels;

    public function __construct(
        public string $machine,
        public string $status,
        public int $fill,
    ) {
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
        return ['id' => $this->machine, 'status' => $this->status, 'fill' => $this->fill];
    }
}
