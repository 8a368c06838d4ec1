<?php

use App\Http\Controllers\RvmDashboardController;
use Illuminate\Support\Facades\Route;

// In routes/web.php: require __DIR__ . '/rvm.php';
Route::middleware('auth')->get('/admin/rvm-dashboard', [RvmDashboardController::class, 'show']);
Route::get('/api/rvm/snapshot', [RvmDashboardController::class, 'snapshot']);
Route::post('/api/rvm/machines/{code}/status', [RvmDashboardController::class, 'setStatus']);
