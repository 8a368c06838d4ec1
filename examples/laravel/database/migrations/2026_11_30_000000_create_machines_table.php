<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        Schema::create('machines', function (Blueprint $table) {
            $table->id();
            $table->string('code')->unique();
            $table->string('place');
            $table->string('status')->default('online');
            $table->unsignedTinyInteger('fill')->default(0);
            $table->unsignedInteger('bottles')->default(0);
            $table->timestamps();
        });
        if (! Schema::hasColumn('users', 'role')) {
            Schema::table('users', fn (Blueprint $table) => $table->string('role')->default('viewer'));
        }
    }

    public function down(): void
    {
        Schema::dropIfExists('machines');
    }
};
