// Lintel runs a company's meeting rooms on its own server. All of the program is in app.
package main

import (
	"context"
	"os"

	"lintel/app"
)

func main() {
	os.Exit(app.Main(context.Background(), os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
