<?php

/**
 * The files of examples/laravel in a Laravel as Debian packages it: its broadcaster, its queued job, its routes' callbacks. What is missing is
 * Pusher's SDK, which is no package of Debian: a recorder is in its place, and says what the broadcaster calls it with.
 *
 *   php application.php config                                    config/broadcasting.php, with this environment
 *   php application.php broadcast CLASS '{"name": value}' SOCKET  the calls that an event comes to; SOCKET may be empty
 *   php application.php authorize ROLE CHANNEL SOCKET             the answer of /broadcasting/auth; no role: not logged in
 *   php application.php encode                                    JSON of standard input, as PHP writes it
 */

namespace App\Models {
    final class User
    {
        public function __construct(public string $role)
        {
        }
    }
}

namespace {
    const EXAMPLE = __DIR__ . '/../../../examples/laravel';

    /** Laravel's own takes a library that reads files; here the environment is given. */
    function env(string $name, mixed $default = null): mixed
    {
        $value = getenv($name);

        return $value === false ? $default : $value;
    }

    require 'Illuminate/Broadcasting/autoload.php';
    require 'Symfony/Component/HttpKernel/autoload.php';
    spl_autoload_register(function (string $class): void {
        $file = EXAMPLE . '/' . str_replace(['App\\', '\\'], ['app/', '/'], $class) . '.php';
        if (is_file($file)) {
            require $file;
        }
    });

    use App\Models\User;
    use Illuminate\Broadcasting\BroadcastEvent;
    use Illuminate\Broadcasting\Broadcasters\PusherBroadcaster;
    use Illuminate\Container\Container;
    use Illuminate\Contracts\Broadcasting\Factory;
    use Illuminate\Support\Facades\Facade;
    use Symfony\Component\HttpKernel\Exception\AccessDeniedHttpException;

    /** In the place of Pusher\Pusher. */
    final class RecordedCalls
    {
        public array $triggers = [];

        public function trigger(array $channels, string $event, mixed $data, array $params): void
        {
            $this->triggers[] = ['channels' => $channels, 'event' => $event, 'data' => json_encode($data), 'params' => $params];
        }

        public function socket_auth(string $channel, string $socketId): string
        {
            $signature = hash_hmac('sha256', "$socketId:$channel", env('REVERB_APP_SECRET'));

            return json_encode(['auth' => env('REVERB_APP_KEY') . ":$signature"]);
        }
    }

    final class Broadcaster extends PusherBroadcaster
    {
        public function __construct(RecordedCalls $calls)
        {
            $this->pusher = $calls;
        }

        protected function pusherServerIsVersionFiveOrGreater(): bool
        {
            return true;
        }
    }

    final class Manager implements Factory
    {
        public function __construct(private Broadcaster $broadcaster)
        {
        }

        public function connection($name = null): Broadcaster
        {
            return $this->broadcaster;
        }

        public function __call(string $method, array $arguments): mixed
        {
            return $this->broadcaster->$method(...$arguments);
        }
    }

    /** What the broadcaster asks a request for. */
    final class AuthRequest
    {
        public function __construct(public string $channel_name, public string $socket_id, private ?User $user)
        {
        }

        public function user(): ?User
        {
            return $this->user;
        }

        public function input(string $name, mixed $default): mixed
        {
            return $default;
        }
    }

    $calls = new RecordedCalls;
    $manager = new Manager(new Broadcaster($calls));
    $container = Container::getInstance();
    $container->instance(Factory::class, $manager);
    Facade::setFacadeApplication($container);

    function broadcast_calls(string $class, array $fields, string $socket): array
    {
        global $calls, $manager;
        $event = new $class(...$fields);
        $event->socket = $socket === '' ? null : $socket;
        // As it comes out of the queue.
        unserialize(serialize(new BroadcastEvent($event)))->handle($manager);

        return $calls->triggers;
    }

    function authorize(string $role, string $channel, string $socket): array
    {
        global $manager;
        require EXAMPLE . '/routes/channels.php';
        try {
            $user = $role === '' ? null : new User($role);

            return ['status' => 200, 'body' => $manager->auth(new AuthRequest($channel, $socket, $user))];
        } catch (AccessDeniedHttpException $refusal) {
            return ['status' => $refusal->getStatusCode(), 'body' => (object) []];
        }
    }

    [, $command, $first, $second, $third] = $argv + ['', '', '', '', ''];
    echo json_encode(match ($command) {
        'config' => require EXAMPLE . '/config/broadcasting.php',
        'broadcast' => broadcast_calls($first, json_decode($second, true), $third),
        'authorize' => authorize($first, $second, $third),
        'encode' => json_decode(stream_get_contents(STDIN)),
    });
}
