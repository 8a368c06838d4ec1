interface Window {
  Echo: ReturnType<typeof import('../../laravel/resources/js/echo.js').connectEcho>;
}
