import type Pusher from 'pusher';

export interface Order {
  readonly id: number;
  readonly total: string;
}

/** The part of a backend that takes orders: what the test in this folder tests. */
export async function createOrder(pusher: Pusher, order: Order): Promise<void> {
  // Here it would be stored.
  await pusher.trigger('orders', 'order.created', order);
}
