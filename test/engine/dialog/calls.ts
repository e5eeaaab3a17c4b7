import { Caller } from './caller.js';

/** Calls that this side makes, each in one state. */
export const calls = {
  calling(): Promise<Caller> {
    return new Caller().start();
  },

  async proceeding(): Promise<Caller> {
    const call = await calls.calling();
    call.answered(100, '');
    return call;
  },

  async early(): Promise<Caller> {
    const call = await calls.calling();
    call.answered(180);
    return call;
  },

  async reliable(): Promise<Caller> {
    const call = await calls.calling();
    call.reliably(1);
    return call;
  },

  async forked(): Promise<Caller> {
    const call = await calls.calling();
    call.answered(180, 'carol');
    call.answered(180);
    return call;
  },

  async cancelled(): Promise<Caller> {
    const call = await calls.early();
    call.cancel();
    return call;
  },

  async failed(): Promise<Caller> {
    const call = await calls.early();
    call.answered(486);
    return call;
  },

  async answered(): Promise<Caller> {
    const call = await calls.early();
    call.answered(200);
    return call;
  },

  async confirmed(): Promise<Caller> {
    const call = await calls.answered();
    await call.ack();
    return call;
  },

  async reinviting(): Promise<Caller> {
    const call = await calls.confirmed();
    await call.send('INVITE');
    return call;
  },

  /** A phone that the re-INVITE was not for said 200. */
  async reinvitingStrayed(): Promise<Caller> {
    const call = await calls.reinviting();
    call.answered(100, '');
    call.answered(200, 'carol');
    return call;
  },

  async reanswered(): Promise<Caller> {
    const call = await calls.reinviting();
    call.answered(200);
    await call.ack();
    return call;
  },

  async reinvited(): Promise<Caller> {
    const call = await calls.confirmed();
    call.receive('INVITE');
    return call;
  },

  async hangingUp(): Promise<Caller> {
    const call = await calls.confirmed();
    await call.send('BYE');
    return call;
  },

  async over(): Promise<Caller> {
    const call = await calls.hangingUp();
    call.byeAnswered(200);
    return call;
  },
};
