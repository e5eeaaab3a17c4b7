// The application under both engines: drachtio-srf as it comes, one of three jobs.
// node app.mjs JOB CONTROL-HOST:PORT SECRET CALLEE-HOST:PORT
import Srf from 'drachtio-srf';

const [job, control, secret, callee] = process.argv.slice(2);
const [host, port] = control.split(':');
const srf = new Srf();
srf.on('error', (error) => console.error('engine:', error.message));
srf.on('connect', (error, hostports, version) => {
  if (error) {
    console.error(String(error));
    process.exit(1);
  }
  console.log(JSON.stringify({ ready: true, hostports, version }));
});

const jobs = {
  b2bua() {
    srf.invite(async (req, res) => {
      try {
        const { uas, uac } = await srf.createB2BUA(req, res, `sip:bob@${callee}`, { localSdpB: req.body });
        uas.on('destroy', () => uac.destroy().catch(() => {}));
        uac.on('destroy', () => uas.destroy().catch(() => {}));
      } catch {
        // a caller who gave up, or a callee who refused: sipp counts it
      }
    });
  },
  proxy() {
    srf.invite((req) => {
      srf.proxyRequest(req, `sip:bob@${callee}`, { recordRoute: true, forking: 'simultaneous' }).catch(() => {});
    });
  },
  register() {
    srf.register((req, res) => res.send(200, { headers: { Contact: req.get('Contact'), Expires: '3600' } }));
  },
  hold() {
    srf.invite(() => {});
  },
};
jobs[job]();
srf.connect({ host, port: Number(port), secret });
process.on('SIGTERM', () => process.exit(0));
