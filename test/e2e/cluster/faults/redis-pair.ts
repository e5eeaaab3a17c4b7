import { eventually } from '../../../support/eventually.js';
import { RedisServer } from '../../../support/redis.js';
import { Wire } from '../site.js';

/** A Redis with a replica, and the ways of the nodes to whichever is the primary, as an address has it that moves in a fail-over. */
export class RedisPair {
  readonly #wires: Wire[] = [];

  private constructor(
    private primary: RedisServer,
    private replica: RedisServer,
  ) {}

  static async start(): Promise<RedisPair> {
    const args = ['--appendonly', 'yes'];
    const primary = await RedisServer.start({ args });
    const pair = new RedisPair(primary, await RedisServer.start({ args }));
    await pair.#replicate();
    return pair;
  }

  /** Where the primary is now. */
  get url(): string {
    return this.primary.url;
  }

  async wire(): Promise<Wire> {
    const wire = await Wire.to(this.primary.port);
    this.#wires.push(wire);
    return wire;
  }

  /** Ends the primary as a power cut would. */
  kill(): Promise<void> {
    return this.primary.kill();
  }

  async restart(): Promise<void> {
    await this.primary.restart();
    await this.#inStep();
  }

  /** The primary is killed and the replica is the primary. {@link mend} makes the old one a replica. */
  async failOver(): Promise<void> {
    await this.primary.kill();
    [this.primary, this.replica] = [this.replica, this.primary];
    await this.primary.ask('REPLICAOF', 'NO', 'ONE');
    for (const wire of this.#wires) wire.target = this.primary.port;
  }

  async mend(): Promise<void> {
    await this.replica.restart();
    await this.#replicate();
  }

  async stop(): Promise<void> {
    for (const wire of this.#wires) wire.close();
    await this.primary.stop();
    await this.replica.stop();
  }

  async #replicate(): Promise<void> {
    const { address, port } = this.primary;
    await this.replica.ask('REPLICAOF', address, String(port));
    await this.#inStep();
  }

  #inStep(): Promise<void> {
    const facts = async (): Promise<string> => String(await this.primary.ask('INFO', 'replication'));
    return eventually(async () => /state=online/.test(await facts()), 'the replica');
  }
}
