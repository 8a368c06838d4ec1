<?php

namespace App\Events;

use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Queue\SerializesModels;

/** The figures that some roles see. Goes through the queue, so a worker must run: php artisan queue:work */
class DashboardDataUpdated implements ShouldBroadcast
{
    use InteractsWithSockets, SerializesModels;

    /** @param array{bottles: int, returned: int, deposit: int, machines: array<string, int>, sentAt: int} $figures */
    public function __construct(public array $figures)
    {
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
        return $this->figures;
    }
}
