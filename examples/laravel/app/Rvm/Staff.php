<?php

namespace App\Rvm;

use App\Models\User;

/** Those who see the figures and set what a machine is. */
final class Staff
{
    public const ROLES = ['super-admin', 'admin', 'operator', 'technician'];

    public static function includes(?User $user): bool
    {
        // With spatie/laravel-permission: $user?->hasAnyRole(self::ROLES)
        return in_array($user?->role, self::ROLES, true);
    }
}
