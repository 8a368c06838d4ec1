<?php

use App\Models\User;
use App\Rvm\Staff;
use Illuminate\Support\Facades\Broadcast;

// Without "private-": Laravel takes it off. Whoever may not enter is answered 403, and Echo's error() is called.
Broadcast::channel('admin-dashboard', fn (User $user) => Staff::includes($user));
Broadcast::channel('cache-admin-dashboard', fn (User $user) => Staff::includes($user));

// rvm-status and cache-rvm-status are public: nobody is asked.
