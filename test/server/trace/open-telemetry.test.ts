import { expect, test } from 'vitest';
import { SampledLog, silentLog } from '../../../server/log.ts';
import { openTelemetry } from '../../../server/trace/open-telemetry.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/process.ts';

test('where OpenTelemetry is not installed, the start says with which command it is', async () => {
  const folder = temporaryFolder();
  const log = new SampledLog(silentLog(), new FakeClock());
  const options = { url: 'http://127.0.0.1:1', serviceName: 'kulkul', ratio: 1 };
  await expect(openTelemetry(options, '1.0.0', log, [folder])).rejects.toMatchObject({
    name: 'PackageError',
    message: expect.stringMatching(
      /^tracing\.enabled needs the package @opentelemetry\/sdk-trace-base, which is not installed: run "npm install @opentelemetry\/sdk-trace-base@2 @opentelemetry\/exporter-trace-otlp-http@\S+" in /,
    ),
  });
});
