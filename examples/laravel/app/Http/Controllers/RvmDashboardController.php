<?php

namespace App\Http\Controllers;

use App\Models\Machine;
use App\Rvm\Dashboard;
use App\Rvm\Staff;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;

class RvmDashboardController
{
    private const TOKEN_MINUTES = 60;

    /** GET /admin/rvm-dashboard: the page, with the token by which its scripts ask. */
    public function show(Request $request)
    {
        $until = now()->addMinutes(self::TOKEN_MINUTES);

        return view('admin.rvm-dashboard', [
            'token' => $request->user()->createToken('rvm-dashboard', ['*'], $until)->plainTextToken,
            'role' => $request->user()->role,
        ]);
    }

    /** GET /api/rvm/snapshot: what is now, for a page without WebSocket or when the broker has forgotten it. */
    public function snapshot(Request $request): JsonResponse
    {
        $user = $request->user('sanctum');
        // A guest has no token; one that has ended is told.
        if ($request->bearerToken() !== null && $user === null) {
            return response()->json(['message' => 'Your login has ended: log in again.'], 401);
        }

        return response()->json(
            ['machines' => Machine::snapshot()] + (Staff::includes($user) ? ['dashboard' => Dashboard::snapshot()] : []),
        );
    }

    /** POST /api/rvm/machines/RVM-01/status {"status": "full"} */
    public function setStatus(Request $request, string $code): JsonResponse
    {
        $user = $request->user('sanctum');
        if ($user === null) {
            return $this->refuse(401, "Log in to set a machine's status.");
        }
        if (! Staff::includes($user)) {
            $allowed = 'operators, technicians and administrators';

            return $this->refuse(403, "Only $allowed set a machine's status: you are logged in as {$user->role}.");
        }
        $status = $request->input('status');
        if (! in_array($status, Machine::STATUSES, true)) {
            return $this->refuse(422, 'A status is one of ' . implode(', ', Machine::STATUSES) . '.');
        }
        $machine = Machine::query()->where('code', $code)->first();
        if ($machine === null) {
            return $this->refuse(404, "There is no machine $code.");
        }
        // Somebody who empties a machine sets it online.
        $isEmptied = $machine->status === 'full' && $status === 'online';
        $machine->report(['status' => $status] + ($isEmptied ? ['fill' => 0] : []));

        return response()->json(['machine' => $machine->toEvent()]);
    }

    private function refuse(int $status, string $message): JsonResponse
    {
        return response()->json(['message' => $message], $status);
    }
}
