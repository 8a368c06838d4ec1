<?php

/** The folder config/ of a Laravel project, but for what examples/laravel has: only what the test needs, file by file. */
return [
    'app' => [
        'env' => 'local',
        'debug' => true,
        'key' => 'base64:' . base64_encode(str_repeat('k', 32)),
        'cipher' => 'AES-256-CBC',
        'timezone' => 'UTC',
        'locale' => 'en',
        'fallback_locale' => 'en',
        'aliases' => [],
        'providers' => [
            Illuminate\Auth\AuthServiceProvider::class,
            Illuminate\Broadcasting\BroadcastServiceProvider::class,
            Illuminate\Bus\BusServiceProvider::class,
            Illuminate\Cache\CacheServiceProvider::class,
            Illuminate\Cookie\CookieServiceProvider::class,
            Illuminate\Database\DatabaseServiceProvider::class,
            Illuminate\Encryption\EncryptionServiceProvider::class,
            Illuminate\Filesystem\FilesystemServiceProvider::class,
            Illuminate\Foundation\Providers\FoundationServiceProvider::class,
            Illuminate\Hashing\HashServiceProvider::class,
            Illuminate\Pipeline\PipelineServiceProvider::class,
            Illuminate\Queue\QueueServiceProvider::class,
            Illuminate\Session\SessionServiceProvider::class,
            Illuminate\Translation\TranslationServiceProvider::class,
            Illuminate\View\ViewServiceProvider::class,
            RvmServiceProvider::class,
        ],
    ],
    'auth' => [
        'defaults' => ['guard' => 'web'],
        'guards' => [
            'web' => ['driver' => 'session', 'provider' => 'users'],
            'sanctum' => ['driver' => 'token', 'provider' => 'users'],
        ],
        'providers' => ['users' => ['driver' => 'eloquent', 'model' => App\Models\User::class]],
    ],
    'cache' => [
        'default' => 'file',
        'prefix' => 'rvm',
        'stores' => ['file' => ['driver' => 'file', 'path' => storage_path('framework/cache/data')]],
    ],
    'database' => [
        'default' => 'sqlite',
        'connections' => ['sqlite' => ['driver' => 'sqlite', 'database' => base_path('database.sqlite'), 'prefix' => '']],
    ],
    'hashing' => ['driver' => 'bcrypt'],
    'logging' => ['default' => 'stderr', 'channels' => ['stderr' => ['driver' => 'single', 'path' => 'php://stderr']]],
    // Jobs run within the request that dispatches them.
    'queue' => ['default' => 'sync', 'connections' => ['sync' => ['driver' => 'sync']]],
    'session' => [
        'driver' => 'file',
        'files' => storage_path('framework/sessions'),
        'lifetime' => 120,
        'expire_on_close' => false,
        'encrypt' => false,
        'lottery' => [0, 100],
        'cookie' => 'rvm',
        'path' => '/',
        'domain' => null,
        'secure' => false,
        'http_only' => true,
        'same_site' => 'lax',
    ],
    'view' => ['paths' => [resource_path('views')], 'compiled' => storage_path('framework/views')],
];
