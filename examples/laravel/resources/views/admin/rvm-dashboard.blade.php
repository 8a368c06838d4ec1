<!doctype html>
<html lang="{{ app()->getLocale() }}">
    <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="csrf-token" content="{{ csrf_token() }}">
        <meta name="api-token" content="{{ $token }}">
        <title>Reverse vending machines</title>
        @vite('resources/js/rvm-dashboard.js')
    </head>
    <body>
        <h1>Reverse vending machines</h1>
        <p id="state" role="status">Connecting …</p>
        <p id="notice" role="alert"></p>
        <p id="figures">You are logged in as {{ $role }}.</p>
        <table>
            <thead>
                <tr><th>Machine</th><th>Place</th><th>Status</th><th>Full</th><th>Set to</th></tr>
            </thead>
            <tbody id="machines"></tbody>
        </table>
    </body>
</html>
