package app

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// fileCert is a certificate in files that somebody else renews. The last good pair stays in use
// while the files don't fit together, as in the moment between the renewal of the one and the other.
type fileCert struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]

	mu   sync.Mutex
	seen [2]fileStamp
}

type fileStamp struct {
	size     int64
	modified time.Time
}

func newFileCert(certFile, keyFile string) (*fileCert, error) {
	f := &fileCert{certFile: certFile, keyFile: keyFile}
	if _, err := f.reload(true); err != nil {
		return nil, err
	}
	return f, nil
}

// reload reads the files if they have changed, or with force whatever they are.
func (f *fileCert) reload(force bool) (changed bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var now [2]fileStamp
	for i, path := range []string{f.certFile, f.keyFile} {
		info, err := os.Stat(path)
		if err != nil {
			return false, fmt.Errorf("look at certificate file: %w", err)
		}
		now[i] = fileStamp{info.Size(), info.ModTime()}
	}
	if now == f.seen && !force {
		return false, nil
	}
	cert, err := tls.LoadX509KeyPair(f.certFile, f.keyFile)
	if err != nil {
		return false, fmt.Errorf("load %s and %s: %w", f.certFile, f.keyFile, err)
	}
	f.seen = now
	f.current.Store(&cert)
	return true, nil
}
