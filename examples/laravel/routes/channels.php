<?php

use App\Models\User;
use Illuminate\Support\Facades\Broadcast;

// Without "private-": Laravel takes it off. Whoever may not enter is answered 403, and Echo's error() is called.
Broadcast::channel('admin-dashboard', function (User $user) {
    // With spatie/laravel-permission: $user->hasAnyRole([...])
    return in_array($user->role, ['super-admin', 'admin', 'operator', 'technician'], true);
});

// rvm-status is public: nobody is asked.
