import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type * as Api from '@opentelemetry/api';
import type * as Exporter from '@opentelemetry/exporter-trace-otlp-http';
import type * as Sdk from '@opentelemetry/sdk-trace-base';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Span, SpanAttributes, SpanOptions, Tracer } from '../../channels/tracer.ts';
import type { SampledLog } from '../log.ts';
import { loadPackage, packageFolders } from '../optional-package.ts';
import { encodeTraceparent, parseTraceparent } from './traceparent.ts';

export interface TracingOptions {
  /** Of an OTLP/HTTP receiver: `http://127.0.0.1:4318`. */
  readonly url: string;
  readonly serviceName: string;
  /** Of the traces that begin here, from 0 up to 1. */
  readonly ratio: number;
}

/** Traces that go to a receiver as OpenTelemetry's own packages send them. */
export interface ExportedTraces extends Tracer {
  /** Sends what waits, and ends. */
  stop(): Promise<void>;
}

/** With what else has to be installed, in versions that fit each other and every Node that Kulkul runs on. */
const INSTALL = '@opentelemetry/sdk-trace-base@2 @opentelemetry/exporter-trace-otlp-http@0.223';
const SETTING = 'tracing.enabled';

/**
 * Loads OpenTelemetry, which Kulkul does not bring along. It also reads `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_BSP_SCHEDULE_DELAY` and its other variables.
 *
 * @param folders - where to look for it
 * @throws {PackageError} the command that installs it
 */
export async function openTelemetry(
  { url, serviceName, ratio }: TracingOptions,
  version: string,
  log: SampledLog,
  folders: readonly string[] = packageFolders(),
): Promise<ExportedTraces> {
  const load = (name: string, from = folders) => loadPackage({ name, setting: SETTING, install: INSTALL }, from);
  const sdk = await load('@opentelemetry/sdk-trace-base');
  // Of the same version as it, wherever npm has put them.
  const besideSdk = [dirname(sdk.path)];
  const [exporter, api, resources] = await Promise.all([
    load('@opentelemetry/exporter-trace-otlp-http'),
    load('@opentelemetry/api', besideSdk),
    load('@opentelemetry/resources', besideSdk),
  ]);
  const { BasicTracerProvider, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler } =
    sdk.exports as typeof Sdk;
  const { OTLPTraceExporter } = exporter.exports as typeof Exporter;
  const { resourceFromAttributes } = resources.exports as {
    resourceFromAttributes(attributes: SpanAttributes): NonNullable<Sdk.TracerConfig['resource']>;
  };
  const sender = new OTLPTraceExporter({ url: `${url.replace(/\/+$/, '')}/v1/traces` });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.version': version,
      'service.instance.id': `${hostname()}/${process.pid}`,
      'host.name': hostname(),
      'process.pid': process.pid,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new BatchSpanProcessor(reporting(sender, url, log))],
  });
  return new Traces(api.exports as typeof Api, provider.getTracer('kulkul', version), () => provider.shutdown());
}

/** OpenTelemetry says nothing of spans that nobody took. */
function reporting(exporter: SpanExporter, url: string, log: SampledLog): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const { error } = result;
        if (error) {
          const fields = { url, spans: spans.length, error: error.message, cause: 'traces-not-sent' };
          log.warn(fields, 'traces were not taken by their receiver: they are lost');
        }
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}

/** As `SpanKind` of OpenTelemetry. */
const KINDS = { server: 1, client: 2, producer: 3, consumer: 4 } as const satisfies Record<SpanOptions['kind'], number>;
const STATUS_ERROR = 2;

class Traces implements ExportedTraces {
  readonly #api: typeof Api;
  readonly #tracer: Api.Tracer;
  readonly #shutdown: () => Promise<void>;

  constructor(api: typeof Api, tracer: Api.Tracer, shutdown: () => Promise<void>) {
    this.#api = api;
    this.#tracer = tracer;
    this.#shutdown = shutdown;
  }

  start(name: string, { kind, parent, links = [], attributes, startMs }: SpanOptions): Span | undefined {
    const { ROOT_CONTEXT, trace } = this.#api;
    const former = spanContextOf(parent);
    const span = this.#tracer.startSpan(
      name,
      {
        kind: KINDS[kind],
        attributes,
        links: links.flatMap((link) => {
          const context = spanContextOf(link);
          return context ? [{ context }] : [];
        }),
        ...(startMs !== undefined && { startTime: startMs }),
      },
      former ? trace.setSpanContext(ROOT_CONTEXT, former) : ROOT_CONTEXT,
    );
    return span.isRecording() ? new RecordedSpan(span) : undefined;
  }

  async stop(): Promise<void> {
    await this.#shutdown();
  }
}

function spanContextOf(traceparent: string | undefined): Api.SpanContext | undefined {
  const parsed = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  return parsed && { traceId: parsed.traceId, spanId: parsed.spanId, traceFlags: parsed.flags, isRemote: true };
}

class RecordedSpan implements Span {
  readonly traceparent: string;
  readonly #span: Api.Span;

  constructor(span: Api.Span) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.#span = span;
    this.traceparent = encodeTraceparent({ traceId, spanId, flags: traceFlags });
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(attributes);
  }

  fail(error: unknown): void {
    this.#span.setStatus({ code: STATUS_ERROR, message: error instanceof Error ? error.message : String(error) });
  }

  end(): void {
    this.#span.end();
  }
}
