// Command image writes the container image of Lintel: from scratch, for an account without rights, the same
// bytes for the same input.
package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The account of the service in the image.
const account = 65532

func main() {
	program := flag.String("program", "", "static binary")
	roots := flag.String("roots", "", "PEM file of public certificate authorities, for booking systems on the Internet")
	config := flag.String("config", "", "configuration file of the image")
	copyright := flag.String("copyright", "", "licences of everything in the image")
	arch := flag.String("arch", "", "amd64 or arm64")
	version := flag.String("version", "", "version of the program")
	at := flag.Int64("time", 0, "Unix time of everything in the image")
	out := flag.String("out", "", "folder for the OCI layout; it must not exist")
	flag.Parse()
	if err := build(content{*program, *roots, *config, *copyright}, *arch, *version, time.Unix(*at, 0).UTC(), *out); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// content is the paths of what goes into the image.
type content struct{ program, roots, config, copyright string }

func build(c content, arch, version string, at time.Time, out string) error {
	layerTar, err := files(c, at)
	if err != nil {
		return err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layerTar)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: at}, CreatedBy: "packaging/build"}})
	if err != nil {
		return err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created = "linux", arch, v1.Time{Time: at}
	file.Config = v1.Config{
		User:         fmt.Sprintf("%d:%d", account, account),
		Entrypoint:   []string{"/lintel"},
		Cmd:          []string{"serve"},
		Env:          []string{"LINTEL_DATA_DIR=/data"},
		ExposedPorts: map[string]struct{}{"8443/tcp": {}, "8444/tcp": {}},
		Volumes:      map[string]struct{}{"/data": {}},
		WorkingDir:   "/data",
		Healthcheck: &v1.HealthConfig{
			Test: []string{"CMD", "/lintel", "healthcheck"}, Interval: 30 * time.Second, Timeout: 5 * time.Second,
			StartPeriod: 20 * time.Second, Retries: 3,
		},
		Labels: map[string]string{
			"org.opencontainers.image.title": "Lintel", "org.opencontainers.image.version": version,
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	if img, err = mutate.ConfigFile(img, file); err != nil {
		return err
	}
	path, err := layout.Write(out, empty.Index)
	if err != nil {
		return err
	}
	name := "lintel:" + version
	if err := path.AppendImage(img, layout.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}),
		layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": name})); err != nil {
		return err
	}
	return dockerManifest(img, name, filepath.Join(out, "manifest.json"))
}

// dockerManifest writes what `docker load` looks for, which names the same blobs.
func dockerManifest(img v1.Image, name, file string) error {
	m, err := img.Manifest()
	if err != nil {
		return err
	}
	blob := func(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }
	var layers []string
	for _, l := range m.Layers {
		layers = append(layers, blob(l.Digest))
	}
	content, err := json.Marshal([]map[string]any{{"Config": blob(m.Config.Digest), "RepoTags": []string{name}, "Layers": layers}})
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

// files returns the image's only layer as a tar archive.
func files(c content, at time.Time) ([]byte, error) {
	passwd := fmt.Appendf(nil, "lintel:x:%d:%d:Lintel:/data:/\n", account, account)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name  string // with a slash at its end: a folder
		mode  int64
		owner int
		from  string // a file, or else
		text  []byte
	}{
		{"data/", 0o700, account, "", nil},
		{"etc/", 0o755, 0, "", nil},
		{"etc/lintel/", 0o755, 0, "", nil},
		{"etc/lintel/lintel.toml", 0o644, 0, c.config, nil},
		{"etc/passwd", 0o644, 0, "", passwd},
		{"etc/ssl/", 0o755, 0, "", nil},
		{"etc/ssl/certs/", 0o755, 0, "", nil},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, 0, c.roots, nil},
		{"lintel", 0o755, 0, c.program, nil},
		{"tmp/", 0o1777, 0, "", nil},
		{"usr/", 0o755, 0, "", nil},
		{"usr/share/", 0o755, 0, "", nil},
		{"usr/share/doc/", 0o755, 0, "", nil},
		{"usr/share/doc/lintel/", 0o755, 0, "", nil},
		{"usr/share/doc/lintel/copyright", 0o644, 0, c.copyright, nil},
	} {
		if f.from != "" {
			var err error
			if f.text, err = os.ReadFile(f.from); err != nil {
				return nil, err
			}
		}
		h := &tar.Header{Name: f.name, Mode: f.mode, Uid: f.owner, Gid: f.owner, ModTime: at, Typeflag: tar.TypeReg, Size: int64(len(f.text))}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.text); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}
