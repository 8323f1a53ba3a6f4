# Development tasks. `make` lists them.

STATICCHECK = go tool -modfile=tools/go.mod staticcheck
SQLC        = CGO_ENABLED=0 go tool -modfile=tools/go.mod sqlc

.DEFAULT_GOAL := help
.PHONY: help run test race timing download lint gen fresh fuzz postman web compose bench

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run the server with the embedded Postgres, as `go run .`
	go run .

test: ## Run the tests, as `go test ./...`
	go test ./...

race: ## Run the tests with the race detector
	go test -race ./...

timing: ## Measure durations: of logins, which must reveal no username, and of lists; needs a quiet machine
	go test -tags timing -run 'Timing' -count=1 -p 1 ./internal/auth ./api/authn ./internal/e2e

download: ## Test the download of PostgreSQL with the real archives; needs root and npm
	tools/download.sh

lint: tools/node_modules ## Run vet, staticcheck and gofmt; lint the OpenAPI document and the Kubernetes manifests
	go vet ./...
	go vet -tags compose ./deploy
	go vet -tags pooler ./api
	go vet -tags timing ./internal/auth ./api/authn ./internal/e2e
	go vet -tags download ./internal/postgres/download
	$(STATICCHECK) ./...
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	REDOCLY_SUPPRESS_NOTIFICATIONS=true tools/node_modules/.bin/redocly lint --config tools/redocly.yaml api/openapi.json
	tools/manifests.sh

gen: tools/node_modules ## Generate db/, openapi.json, the Postman collection and the renderer of the reference page
	rm -f db/*.go
	$(SQLC) generate
	go run ./api/openapi
	go test ./api -run TestResponseExamples -update -count=1
	go run ./api/openapi # with the examples
	go test ./postman -run TestCollection -update -count=1
	tools/docs.sh --no-install

fresh: gen ## Fail if a generated file is out of date
	@test -z "$$(git status --porcelain -- db api/openapi.json api/openapi api/docs postman/*.json)" || { git status --short -- db api/openapi.json api/openapi api/docs postman/*.json; git diff --stat -- db api/openapi.json api/openapi api/docs postman/*.json; echo "run make gen and commit the generated files"; exit 1; }

fuzz: ## Fuzz every parser with 20,000 inputs (FUZZTIME=1000000x for more; durations are flaky: golang/go#75804)
	@for package in $$(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do for target in $$(grep -ho '^func Fuzz[A-Za-z]*' $$package/*_test.go | cut -c6-); do \
		go test ./$$package -run '^$$' -fuzz "^$$target$$" -fuzztime $${FUZZTIME:-20000x} || exit 1; done; done

postman: tools/node_modules ## Send every request of the Postman collection to a new server, with newman
	tools/postman.sh

web: web/node_modules ## Build the web app, compare the build with the committed one, and test it in Chromium
	cd web && npm run -s lint && npm run -s test && ./check-reproducible.sh
	@test -z "$$(git status --porcelain -- web/dist)" || { git status --short -- web/dist; echo "web/dist is out of date: run npm run build and commit the result"; exit 1; }
	cd web && npm run -s e2e

web/node_modules: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

compose: ## Build and test both stacks of Docker Compose; needs Docker, takes about ten minutes
	go test -tags compose ./deploy -run Compose -count=1 -timeout 45m -v

bench: ## Compare performance with net/http + pgx, and import and export a million rows
	go run ./bench

tools/node_modules: tools/package-lock.json
	cd tools && npm ci --no-audit --no-fund
	@touch $@
