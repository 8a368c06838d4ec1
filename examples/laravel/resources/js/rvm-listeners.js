// What every page of the machines listens to: rows as they change, and a snapshot of all of them when it connects.

/**
 * @typedef {'online' | 'full' | 'jammed' | 'offline'} Status
 *
 * @typedef {object} Machine
 * @property {string} id - `RVM-01`
 * @property {string} place
 * @property {Status} status
 * @property {number} fill - per cent
 * @property {number} bottles
 * @property {number} changedAt - milliseconds since 1970
 *
 * @typedef {object} Figures
 * @property {number} bottles
 * @property {number} returned - bottles since the figures before
 * @property {number} deposit - rupiah
 * @property {Record<Status, number>} machines - how many have each status
 * @property {number} sentAt - milliseconds since 1970
 *
 * @typedef {object} Dashboard
 * @property {Figures} figures
 * @property {[sentAt: number, returned: number][]} history - of the last minutes, oldest first
 *
 * @typedef {object} Snapshot - the answer of GET /api/rvm/snapshot
 * @property {Machine[]} machines
 * @property {Dashboard} [dashboard] - for those who may see it
 *
 * @typedef {object} Page - what it does with what comes
 * @property {(machine: Machine) => void} machine - one has changed
 * @property {(machines: readonly Machine[]) => void} machines - all of them: some may be older than what came by themselves
 * @property {(figures: Figures) => void} figures
 * @property {(dashboard: Dashboard) => void} dashboard - figures with their history
 * @property {() => void} admitted - to the figures
 * @property {(status: number) => void} refused - figures; 401: the login has ended, 403: the role may not
 */

/**
 * @param {import('laravel-echo').default<'reverb'>} echo
 * @param {Page} page
 * @param {{ isGuest: boolean, missed: () => unknown }} options - `missed`: the broker has no snapshot at the moment, ask the application
 */
export function setUpListeners(echo, page, { isGuest, missed }) {
  const status = echo.channel('rvm-status').listen('.rvm.status.updated', guarded('rvm.status.updated', page.machine));
  // After the row channel: what changes in between comes as a row.
  const snapshot = snapshotOf(echo, () => echo.channel('cache-rvm-status'), {
    event: 'rvm.snapshot',
    take: ({ machines }) => page.machines(machines),
    missed,
  });
  status.subscribed(snapshot);
  if (!isGuest) {
    const dashboard = echo
      .private('admin-dashboard')
      .listen('.dashboard.data.updated', guarded('dashboard.data.updated', page.figures));
    const history = snapshotOf(echo, () => echo.private('cache-admin-dashboard'), {
      event: 'dashboard.snapshot',
      take: page.dashboard,
      missed,
    });
    dashboard.subscribed(() => {
      page.admitted();
      history();
    });
    dashboard.error((/** @type {{ status: number }} */ refusal) => page.refused(refusal.status));
  }
  // biome-ignore lint/suspicious/noConsole: whoever looks for the reason of a silent page begins in the console.
  console.log('Real-time listeners setup successfully');
}

/**
 * @returns a function that takes the event which a cache channel keeps, once, each time that it is called
 *
 * @param {import('laravel-echo').default<'reverb'>} echo
 * @param {() => { name: string, listen(event: string, handle: (data: any) => void): unknown }} enter
 * @param {{ event: string, take: (data: any) => void, missed: () => unknown }} options
 */
function snapshotOf(echo, enter, { event, take, missed }) {
  let isAwaited = false;
  return () => {
    // An earlier one may have no answer yet: pusher-js subscribes again by itself.
    if (isAwaited) return;
    isAwaited = true;
    const channel = enter();
    channel.listen('.pusher:cache_miss', missed);
    channel.listen(
      `.${event}`,
      guarded(event, (data) => {
        // Every change brings a new one: rows tell the same in fewer bytes.
        isAwaited = false;
        echo.leaveChannel(channel.name);
        take(data);
      }),
    );
  };
}

/**
 * A handler that fails costs its own event only: it is logged, and the next event is handled.
 *
 * @template T
 * @param {string} event
 * @param {(data: T) => void} handle
 * @returns {(data: T) => void}
 */
function guarded(event, handle) {
  return (data) => {
    try {
      handle(data);
    } catch (error) {
      // biome-ignore lint/suspicious/noConsole: nobody else would learn of it.
      console.error(`The handler of ${event} failed:`, error, data);
    }
  };
}
