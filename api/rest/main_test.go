package rest_test

import (
	"testing"

	"labledger/internal/apitest"
)

func TestMain(m *testing.M) { apitest.Main(m) }
