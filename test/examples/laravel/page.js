// What a page of the project does with resources/js/echo.js.
import { connectEcho } from '../../../examples/laravel/resources/js/echo.js';

const show = (line) => {
  const item = document.createElement('li');
  item.textContent = line;
  document.body.append(item);
};

window.addEventListener('echo:state', ({ detail }) => show(`state ${detail.state}`));
window.Echo = connectEcho('token of the user');
window.Echo.channel('rvm-status')
  .listen('.rvm.status.updated', ({ id, status, fill }) => show(`${id} is ${status}, ${fill} %`))
  .subscribed(() => show('in rvm-status'));
window.Echo.private('admin-dashboard')
  .listen('.dashboard.data.updated', ({ bottles }) => show(`${bottles} bottles`))
  .subscribed(() => show('in admin-dashboard'))
  .error(({ status }) => show(`not in admin-dashboard: ${status}`));
