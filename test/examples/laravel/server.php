<?php

/**
 * A Laravel project into which the files of examples/laravel were copied: Debian's Laravel (8.83) with its kernel, router, sessions, guards,
 * Eloquent on SQLite, Blade and broadcaster. Served by PHP: php -S 127.0.0.1:PORT server.php, in the project's folder.
 *
 * In the place of what Debian has no package of: Pusher's SDK, which sends the same requests; Sanctum's guard, which is Laravel's own for
 * tokens; the directive @vite and the name of the driver `reverb`, which came with later versions. `/test/login/ROLE` is the project's login.
 */

namespace {
    error_reporting(E_ALL & ~E_DEPRECATED);
    if (PHP_SAPI === 'cli-server' && is_file(__DIR__ . '/public' . $_SERVER['SCRIPT_NAME'])) {
        header('Content-Type: text/javascript');
        readfile(__DIR__ . '/public' . $_SERVER['SCRIPT_NAME']);

        return;
    }
    require 'Illuminate/autoload.php';
    spl_autoload_register(function (string $class): void {
        $folders = ['App\\' => __DIR__ . '/app/', 'Database\\Seeders\\' => __DIR__ . '/database/seeders/'];
        foreach ($folders as $prefix => $folder) {
            $file = $folder . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
            if (str_starts_with($class, $prefix) && is_file($file)) {
                require $file;
            }
        }
        $file = stream_resolve_include_path(str_replace('\\', '/', $class) . '.php');
        if ($file !== false && ! class_exists($class, false)) {
            require_once $file;
        }
    });
    require_once 'Illuminate/Foundation/helpers.php';
}

namespace Pusher {
    /** What Laravel calls of Pusher\Pusher. */
    class Pusher
    {
        public function __construct(private string $key, private string $secret, private string $app, private array $options)
        {
        }

        public function trigger(array $channels, string $event, mixed $data, array $params = []): void
        {
            $body = json_encode(['name' => $event, 'data' => json_encode($data), 'channels' => $channels] + $params);
            $path = "/apps/{$this->app}/events";
            $query = "auth_key={$this->key}&auth_timestamp=" . time() . '&auth_version=1.0&body_md5=' . md5($body);
            $signature = hash_hmac('sha256', "POST\n$path\n$query", $this->secret);
            ['scheme' => $scheme, 'host' => $host, 'port' => $port] = $this->options;
            $context = stream_context_create(['http' => [
                'method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => $body, 'ignore_errors' => true,
            ]]);
            $answer = file_get_contents("$scheme://$host:$port$path?$query&auth_signature=$signature", false, $context);
            if ($answer !== '{}') {
                throw new ApiErrorException((string) $answer);
            }
        }

        public function socket_auth(string $channel, string $socketId): string
        {
            return json_encode(['auth' => $this->key . ':' . hash_hmac('sha256', "$socketId:$channel", $this->secret)]);
        }
    }

    class ApiErrorException extends \Exception
    {
    }
}

namespace App\Models {
    class User extends \Illuminate\Foundation\Auth\User
    {
        protected $guarded = [];

        /** As Sanctum's HasApiTokens has it. */
        public function createToken(string $name, array $abilities, mixed $until): object
        {
            $token = bin2hex(random_bytes(20));
            $this->forceFill(['api_token' => $token, 'expires_at' => $until])->save();

            return (object) ['plainTextToken' => $token];
        }
    }
}

namespace {
    use App\Models\Machine;
    use App\Models\User;
    use App\Rvm\Dashboard;
    use Illuminate\Broadcasting\Broadcasters\PusherBroadcaster;
    use Illuminate\Contracts\Debug\ExceptionHandler;
    use Illuminate\Contracts\Http\Kernel;
    use Illuminate\Database\Schema\Blueprint;
    use Illuminate\Foundation\Application;
    use Illuminate\Http\Request;
    use Illuminate\Support\Facades\Auth;
    use Illuminate\Support\Facades\Blade;
    use Illuminate\Support\Facades\Broadcast;
    use Illuminate\Support\Facades\Route;
    use Illuminate\Support\Facades\Schema;
    use Pusher\Pusher;

    class HttpKernel extends \Illuminate\Foundation\Http\Kernel
    {
        protected $middlewareGroups = ['web' => [
            \Illuminate\Cookie\Middleware\EncryptCookies::class,
            \Illuminate\Cookie\Middleware\AddQueuedCookiesToResponse::class,
            \Illuminate\Session\Middleware\StartSession::class,
            \Illuminate\Foundation\Http\Middleware\VerifyCsrfToken::class,
        ]];

        protected $routeMiddleware = ['auth' => \Illuminate\Auth\Middleware\Authenticate::class];
    }

    final class RvmServiceProvider extends \Illuminate\Support\ServiceProvider
    {
        public function boot(): void
        {
            Broadcast::extend('reverb', fn ($app, array $config) => new PusherBroadcaster(
                new Pusher($config['key'], $config['secret'], $config['app_id'], $config['options']),
            ));
            Blade::directive('vite', fn (string $path) => "<script type=\"module\" src=\"/<?php echo basename($path) ?>\"></script>");
            Route::middleware('web')->group(function (): void {
                require __DIR__ . '/routes/rvm.php';
                Route::get('/test/login/{role}', function (string $role) {
                    Auth::login(User::query()->firstOrCreate(['role' => $role]));

                    return redirect('/admin/rvm-dashboard');
                });
                Route::get('/test/publish-figures', fn () => Dashboard::publish());
            });
            Broadcast::routes(['middleware' => ['web', 'auth:sanctum']]);
            require __DIR__ . '/routes/channels.php';
        }
    }

    $app = new Application(__DIR__);
    $app->singleton(Kernel::class, HttpKernel::class);
    $app->singleton(ExceptionHandler::class, \Illuminate\Foundation\Exceptions\Handler::class);
    $kernel = $app->make(Kernel::class);
    if (PHP_SAPI === 'cli') {
        // The project's own migrations are older: users are there.
        $kernel->bootstrap();
        Schema::create('users', function (Blueprint $table): void {
            $table->id();
            $table->string('api_token')->nullable();
            $table->timestamp('expires_at')->nullable();
            $table->timestamps();
        });
        (require __DIR__ . '/database/migrations/2026_11_30_000000_create_machines_table.php')->up();
        (new \Database\Seeders\MachineSeeder)->run();
        Machine::query()->where('code', 'RVM-03')->firstOrFail()->update(['bottles' => 7, 'fill' => 40]);

        return;
    }
    $response = $kernel->handle($request = Request::capture());
    $response->send();
    $kernel->terminate($request, $response);
}
