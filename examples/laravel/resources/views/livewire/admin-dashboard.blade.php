<dl>
    <dt>Bottles</dt>
    <dd>{{ $bottles ?? '–' }}</dd>
    <dt>Deposit</dt>
    <dd>{{ $deposit === null ? '–' : 'Rp ' . number_format($deposit, 0, ',', '.') }}</dd>
    @foreach ($machines as $status => $count)
        <dt>{{ $status }}</dt>
        <dd>{{ $count }}</dd>
    @endforeach
</dl>
