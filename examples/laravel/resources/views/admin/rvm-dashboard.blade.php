<!doctype html>
<html lang="{{ app()->getLocale() }}">
    <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="csrf-token" content="{{ csrf_token() }}">
        <meta name="api-token" content="{{ $token }}">
        <title>Reverse vending machines</title>
        <style>
            body { margin: 1rem auto; max-width: 50rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
            table { width: 100%; border-collapse: collapse; }
            th, td { padding: 0.4rem 0.5rem; border-bottom: 1px solid #ccc; text-align: left; white-space: nowrap; }
            button { margin-right: 0.25rem; }
            #notice:empty { display: none; }
            #notice { padding: 0.5rem 1rem; border-left: 4px solid #9a6100; background: #f4f5f2; }
            @media (max-width: 40rem) {
                thead { display: none; }
                tr { display: grid; grid-template-columns: auto 1fr auto auto; border-bottom: 1px solid #ccc; }
                td { border: 0; }
                td:last-child { grid-column: 1 / -1; }
            }
        </style>
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
