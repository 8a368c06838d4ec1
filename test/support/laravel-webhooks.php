<?php

/**
 * The controller of docs/webhooks.md in Debian's Laravel (8.83): php -S 127.0.0.1:PORT laravel-webhooks.php, in the folder of the
 * controller. What it logs goes to standard error.
 */

use App\Http\Controllers\PusherWebhookController;
use Illuminate\Config\Repository;
use Illuminate\Foundation\Application;
use Illuminate\Http\Request;
use Illuminate\Http\Response;
use Illuminate\Support\Facades\Facade;
use Symfony\Component\HttpKernel\Exception\HttpException;

error_reporting(E_ALL & ~E_DEPRECATED);
require 'Illuminate/autoload.php';
spl_autoload_register(function (string $class): void {
    $file = stream_resolve_include_path(str_replace('\\', '/', $class) . '.php');
    if ($file !== false && ! class_exists($class, false)) {
        require_once $file;
    }
});
require_once 'Illuminate/Foundation/helpers.php';
$folder = getcwd();
require "$folder/PusherWebhookController.php";

$app = new Application($folder);
$app->instance('config', new Repository([
    'app' => ['env' => 'local'],
    'broadcasting' => ['connections' => ['pusher' => ['key' => getenv('PUSHER_APP_KEY'), 'secret' => getenv('PUSHER_APP_SECRET')]]],
    'cache' => ['default' => 'file', 'prefix' => '', 'stores' => ['file' => ['driver' => 'file', 'path' => "$folder/cache"]]],
    'view' => ['paths' => [], 'compiled' => $folder],
    'logging' => ['default' => 'errorlog', 'channels' => ['errorlog' => ['driver' => 'errorlog', 'level' => 'debug']]],
]));
Facade::setFacadeApplication($app);
$app->register(\Illuminate\Filesystem\FilesystemServiceProvider::class);
$app->register(\Illuminate\Cache\CacheServiceProvider::class);
$app->register(\Illuminate\View\ViewServiceProvider::class);
$request = Request::capture();
$app->instance('request', $request);
try {
    $response = (new PusherWebhookController)($request);
} catch (HttpException $refusal) {
    $response = new Response('', $refusal->getStatusCode());
}
$response->send();
