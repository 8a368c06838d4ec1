<?php

namespace App\Models;

use App\Events\RvmSnapshot;
use App\Events\RvmStatusUpdated;
use Illuminate\Database\Eloquent\Model;

/**
 * A reverse vending machine.
 *
 * @property string $code RVM-01
 * @property string $place
 * @property string $status one of STATUSES
 * @property int $fill per cent
 * @property int $bottles
 */
class Machine extends Model
{
    public const STATUSES = ['online', 'full', 'jammed', 'offline'];

    protected $fillable = ['code', 'place', 'status', 'fill', 'bottles'];

    public function getRouteKeyName(): string
    {
        return 'code';
    }

    /** Changes it, and tells everybody but the page that asked for it: the row, and the snapshot for those who come later. */
    public function report(array $values): void
    {
        $this->update($values);
        // Without a broker it has changed all the same: the problem is logged, and pages ask for the snapshot.
        rescue(function (): void {
            broadcast(new RvmStatusUpdated($this->toEvent()))->toOthers();
            broadcast(new RvmSnapshot(self::snapshot()));
        });
    }

    /** What pages know of it. */
    public function toEvent(): array
    {
        return [
            'id' => $this->code,
            'place' => $this->place,
            'status' => $this->status,
            'fill' => $this->fill,
            'bottles' => $this->bottles,
            'changedAt' => now()->getTimestampMs(),
        ];
    }

    /** @return list<array<string, mixed>> */
    public static function snapshot(): array
    {
        return self::query()->orderBy('code')->get()->map->toEvent()->all();
    }
}
