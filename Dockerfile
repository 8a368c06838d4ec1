# Not Alpine: uWebSockets.js needs glibc.
FROM node:24-trixie-slim AS build
WORKDIR /kulkul
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build
# Of the native part only what this Node on this platform loads.
RUN find dist/native -name '*.node' ! -name "*_$(node -p process.versions.modules).node" -delete
# What is not in the bundle: the drivers of MySQL and PostgreSQL. SQLite is part of Node.
RUN npm pkg set --json "dependencies={\"mysql2\":$(npm pkg get devDependencies.mysql2),\"pg\":$(npm pkg get devDependencies.pg)}" \
  && npm pkg delete devDependencies peerDependencies peerDependenciesMeta overrides \
  && npm prune --ignore-scripts

FROM node:24-trixie-slim
LABEL org.opencontainers.image.title="Kulkul" \
  org.opencontainers.image.description="Self-hosted broker that speaks the Pusher protocol" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.source="https://github.com/kulkul-broker/kulkul"
ENV NODE_ENV=production
COPY --from=build /kulkul/package.json /kulkul/LICENSE /kulkul/
COPY --from=build /kulkul/node_modules /kulkul/node_modules
COPY --from=build /kulkul/dist /kulkul/dist
RUN ln -s /kulkul/dist/server/main.js /usr/local/bin/kulkul && chmod +x /kulkul/dist/server/main.js
# Configuration files are mounted here: docker run -v ./kulkul.json:/app/kulkul.json ... start --config kulkul.json
WORKDIR /app
# A number, so that Kubernetes can tell that it is not root: the user node.
USER 1000
EXPOSE 6001
# Unhealthy while the broker is stopping or short of memory. For another port: -e HEALTHCHECK_URL=...
ENV HEALTHCHECK_URL=http://127.0.0.1:6001/ready
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "fetch(process.env.HEALTHCHECK_URL).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["kulkul"]
CMD ["start"]
