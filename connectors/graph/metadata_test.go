package graph_test

import (
	"testing"

	"lintel/connectors/graph/graphtest"
)

func validate(t testing.TB) func(graphtest.Call) { return nil }
