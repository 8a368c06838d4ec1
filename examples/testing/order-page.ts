import type Echo from 'laravel-echo';

/** The part of a page that lists orders: what the test in this folder tests. */
export function listOrders(echo: Echo<'pusher'>, list: HTMLElement): void {
  echo.channel('orders').listen('.order.created', ({ id, total }: { id: number; total: string }) => {
    const entry = document.createElement('li');
    entry.textContent = `Order ${id}: ${total}`;
    list.append(entry);
  });
}
