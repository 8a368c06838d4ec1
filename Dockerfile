# Not Alpine: uWebSockets.js needs glibc.
FROM node:24-trixie-slim AS build
WORKDIR /kulkul
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build
# The build has copied what it takes of uWebSockets.js, which has binaries for all platforms. What stays are the drivers of MySQL and
# PostgreSQL; SQLite is part of Node.
RUN npm pkg set --json "dependencies={\"mysql2\":$(npm pkg get devDependencies.mysql2),\"pg\":$(npm pkg get devDependencies.pg)}" \
  && npm pkg delete devDependencies peerDependencies \
  && npm prune --ignore-scripts

FROM node:24-trixie-slim
ENV NODE_ENV=production
COPY --from=build /kulkul/package.json /kulkul/LICENSE /kulkul/
COPY --from=build /kulkul/node_modules /kulkul/node_modules
COPY --from=build /kulkul/dist /kulkul/dist
RUN ln -s /kulkul/dist/server/main.js /usr/local/bin/kulkul && chmod +x /kulkul/dist/server/main.js
# Configuration files are mounted here: docker run -v ./kulkul.json:/app/kulkul.json ... start --config kulkul.json
WORKDIR /app
USER node
EXPOSE 6001
# Unhealthy while the broker is stopping or short of memory. For another port: -e HEALTHCHECK_URL=...
ENV HEALTHCHECK_URL=http://127.0.0.1:6001/ready
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "fetch(process.env.HEALTHCHECK_URL).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["kulkul"]
CMD ["start"]
