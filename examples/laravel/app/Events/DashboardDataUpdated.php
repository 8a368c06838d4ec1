<?php

namespace App\Events;

use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Queue\SerializesModels;

/**
 * The figures that some roles see. Goes through the queue, so a worker must run: php artisan queue:work
 *
 *     broadcast(new DashboardDataUpdated(bottles: 1204, deposit: 240_800, machines: ['online' => 11, 'full' => 1]));
 */
class DashboardDataUpdated implements ShouldBroadcast
{
    use InteractsWithSockets, SerializesModels;

    public function __construct(
        public int $bottles,
        public int $deposit,
        public array $machines,
    ) {
    }

    /** Clients know it as private-admin-dashboard; routes/channels.php says who may enter. */
    public function broadcastOn(): PrivateChannel
    {
        return new PrivateChannel('admin-dashboard');
    }

    public function broadcastAs(): string
    {
        return 'dashboard.data.updated';
    }

    public function broadcastWith(): array
    {
        return ['bottles' => $this->bottles, 'deposit' => $this->deposit, 'machines' => $this->machines];
    }
}
