<?php

use App\Rvm\Dashboard;
use Illuminate\Support\Facades\Schedule;

// In routes/console.php: require __DIR__ . '/rvm-schedule.php'; and run php artisan schedule:work
Schedule::call(fn () => Dashboard::publish())->everyTwoSeconds();
