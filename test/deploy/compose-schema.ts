import { z } from 'zod';

/**
 * The parts of the Compose specification that docker-compose.yml uses, closed: any key that isn't named here is a mistake, or a
 * part of the specification that has to be added here first.
 */
const duration = z.string().regex(/^(\d+(ms|s|m|h))+$/);
const strings = z.array(z.string());

const build = z.strictObject({ context: z.string(), dockerfile: z.string().optional() });

const healthcheck = z.strictObject({
  test: z.union([z.string(), strings]),
  interval: duration.optional(),
  timeout: duration.optional(),
  retries: z.int().positive().optional(),
  start_period: duration.optional(),
});

const condition = z.enum(['service_started', 'service_healthy', 'service_completed_successfully']);

const service = z
  .strictObject({
    image: z.string(),
    build: build.optional(),
    command: strings.optional(),
    entrypoint: strings.optional(),
    environment: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string()).optional(),
    volumes: z.array(z.string().regex(/^[^:]+:\/[^:]+(:ro)?$/)).optional(),
    ports: z.array(z.string().regex(/^([\d.]+:)?\d+:\d+\/(udp|tcp)$/)).optional(),
    networks: z.record(z.string(), z.strictObject({ ipv4_address: z.ipv4().optional() })).optional(),
    depends_on: z.union([strings, z.record(z.string(), z.strictObject({ condition }))]).optional(),
    healthcheck: healthcheck.optional(),
    profiles: strings.optional(),
    restart: z.enum(['no', 'always', 'on-failure', 'unless-stopped']).optional(),
    working_dir: z.string().optional(),
    stop_grace_period: duration.optional(),
    read_only: z.boolean().optional(),
    cap_drop: strings.optional(),
    security_opt: strings.optional(),
    tmpfs: strings.optional(),
  })
  .transform((value) => ({
    ...value,
    dependencies: Array.isArray(value.depends_on) ? value.depends_on : Object.keys(value.depends_on ?? {}),
  }));

const network = z.strictObject({
  driver: z.literal('bridge').optional(),
  ipam: z.strictObject({ config: z.array(z.strictObject({ subnet: z.cidrv4(), gateway: z.ipv4() })) }).optional(),
});

export const composeSchema = z.looseObject({
  services: z.record(z.string().regex(/^[a-z0-9._-]+$/), service),
  networks: z.record(z.string(), network),
  volumes: z.record(z.string(), z.strictObject({})),
});

export type Compose = z.output<typeof composeSchema>;
export type ComposeService = z.output<typeof service>;
