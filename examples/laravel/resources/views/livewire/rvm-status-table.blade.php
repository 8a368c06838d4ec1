<table>
    <thead>
        <tr><th>Machine</th><th>Status</th><th>Full</th></tr>
    </thead>
    <tbody>
        @forelse ($machines as $machine)
            <tr wire:key="{{ $machine['id'] }}">
                <td>{{ $machine['id'] }}</td>
                <td>{{ $machine['status'] }}</td>
                <td>{{ $machine['fill'] }} %</td>
            </tr>
        @empty
            <tr><td colspan="3">Waiting for the first news of a machine …</td></tr>
        @endforelse
    </tbody>
</table>
