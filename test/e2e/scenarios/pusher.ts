import pusherJs from 'pusher-js';

/** pusher-js declares the default export of an ES module, but is a CommonJS module that exports the class. */
export const Pusher = pusherJs as unknown as typeof pusherJs.default;
export type Pusher = InstanceType<typeof Pusher>;
export type PusherOptions = ConstructorParameters<typeof Pusher>[1];
export type PusherChannel = ReturnType<Pusher['subscribe']>;
