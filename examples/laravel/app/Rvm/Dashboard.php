<?php

namespace App\Rvm;

use App\Events\DashboardDataUpdated;
use App\Events\DashboardSnapshot;
use App\Models\Machine;
use Illuminate\Support\Facades\Cache;

/** The figures, and those of the last minutes, which a page draws when it opens. */
final class Dashboard
{
    private const DEPOSIT_RUPIAH = 200;

    /** Three minutes, when they come every two seconds. */
    private const KEPT = 90;

    /** Counts what has come since the last time, and tells it. */
    public static function publish(): void
    {
        $before = Cache::get('rvm.bottles');
        $figures = self::figures();
        $figures['returned'] = max(0, $figures['bottles'] - ($before ?? $figures['bottles']));
        Cache::forever('rvm.bottles', $figures['bottles']);
        $history = [...Cache::get('rvm.history', []), [$figures['sentAt'], $figures['returned']]];
        Cache::forever('rvm.history', array_slice($history, -self::KEPT));
        broadcast(new DashboardDataUpdated($figures));
        broadcast(new DashboardSnapshot(self::snapshot()));
    }

    /** @return array{figures: array<string, mixed>, history: list<array{int, int}>} */
    public static function snapshot(): array
    {
        $history = Cache::get('rvm.history', []);

        return [
            'figures' => ['returned' => end($history)[1] ?? 0] + self::figures(),
            'history' => $history,
        ];
    }

    /** @return array<string, mixed> */
    private static function figures(): array
    {
        $machines = Machine::all();
        $bottles = (int) $machines->sum('bottles');

        return [
            'bottles' => $bottles,
            'deposit' => $bottles * self::DEPOSIT_RUPIAH,
            'machines' => array_replace(
                array_fill_keys(Machine::STATUSES, 0),
                $machines->countBy('status')->all(),
            ),
            'sentAt' => now()->getTimestampMs(),
        ];
    }
}
