import './style/tokens.css';
import './style/base.css';
import './style/controls.css';
import './style/layout.css';
import './style/content.css';
import './style/log.css';
import 'uplot/dist/uPlot.min.css';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { PageAddress } from './data/address.ts';
import { AdminApi } from './data/admin-api.ts';
import { ConsoleContext } from './data/context.ts';
import { LiveStream } from './data/live-stream.ts';
import { Session } from './data/session.ts';
import { Theme } from './data/theme.ts';
import { Messages } from './parts/messages.tsx';
import { Shell } from './shell.tsx';

const session = new Session();
const api = new AdminApi(() => session.end());
const live = new LiveStream(() => void session.ask(api));
const parts = { api, session, live, address: new PageAddress(), messages: new Messages(), theme: new Theme() };

effect(() => {
  if (session.state.value.is === 'signed-in') live.start();
  else live.stop();
});
void session.ask(api);

const place = document.getElementById('console');
if (place) {
  render(
    <ConsoleContext.Provider value={parts}>
      <Shell />
    </ConsoleContext.Provider>,
    place,
  );
}
