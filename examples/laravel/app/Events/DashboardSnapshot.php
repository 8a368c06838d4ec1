<?php

namespace App\Events;

use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

/** The figures with their history, for a page that opens or comes back. Through the queue, too. */
class DashboardSnapshot implements ShouldBroadcast
{
    use InteractsWithSockets;

    /** @param array{figures: array<string, mixed>, history: list<array{int, int}>} $dashboard */
    public function __construct(public array $dashboard)
    {
    }

    public function broadcastOn(): PrivateChannel
    {
        return new PrivateChannel('cache-admin-dashboard');
    }

    public function broadcastAs(): string
    {
        return 'dashboard.snapshot';
    }

    public function broadcastWith(): array
    {
        return $this->dashboard;
    }
}
