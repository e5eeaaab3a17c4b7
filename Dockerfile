FROM node:20-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.base.json tsconfig.build.json tsconfig.dashboard.json rolldown.config.mjs ./
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/callwake
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE ./
RUN mkdir -p /var/lib/callwake /etc/callwake/keys && chown node:node /var/lib/callwake /etc/callwake/keys \
  && ln -s /opt/callwake/dist/cli.js /usr/local/bin/callwake && chmod +x dist/cli.js
USER node
VOLUME ["/var/lib/callwake", "/etc/callwake/keys"]
EXPOSE 5060/udp 5060/tcp
# Where SIP is answered; with a drachtio-server beside it, that server's address.
ENV CALLWAKE_PING=sip:127.0.0.1:5060
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 \
  CMD node /opt/callwake/dist/cli.js ping "$CALLWAKE_PING"
ENTRYPOINT ["node", "/opt/callwake/dist/cli.js"]
CMD ["start", "--config", "/etc/callwake/callwake.yaml"]
