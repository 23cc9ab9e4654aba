package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lintel/store"
)

// Kind is how a virtual display talks.
type Kind string

// The kinds of virtual displays.
const (
	TRMNL  Kind = "trmnl"  // 800 x 480, black and white, the open e-paper protocol
	TRMNLX Kind = "trmnlx" // 1872 x 1404, 16 greys, the same protocol
	Native Kind = "native" // 1024 x 768, 4 greys, Lintel's own protocol
)

// longestSleep is how long a virtual display sleeps at most, whatever it is told: a newcomer watches.
const longestSleep = 60 * time.Second

// Display is one virtual display.
type Display struct {
	Kind  Kind
	MAC   string
	Room  store.WorkspaceID // "" = it stays unapproved and shows its code
	Name  string
	URL   string // device listener, without a slash at its end
	HTTP  *http.Client
	Log   *slog.Logger
	Claim func(ctx context.Context, code string, d Display) error // told of the code on its glass; approves it, as an administrator would

	token, etag, filename string
	receipt               string // what the first enrolment gave, to pick up the approval with
	claimed               bool
}

// Displays returns a display for each room, of all kinds in turn, and one that waits for its approval.
func (b Building) Displays() []Display {
	kinds := []Kind{TRMNL, Native, TRMNL, TRMNLX}
	var out []Display
	for i, r := range b.Rooms {
		out = append(out, Display{Kind: kinds[i%len(kinds)], MAC: fmt.Sprintf("02:4C:49:4E:54:%02X", i+1), Room: r.ID, Name: r.Name})
	}
	return append(out, Display{Kind: TRMNL, MAC: "02:4C:49:4E:54:FF", Name: "New display"})
}

// Run polls until ctx ends. What fails is tried again at the next wake, as a display would.
func (d *Display) Run(ctx context.Context) error {
	for {
		wake, err := d.poll(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			d.Log.Debug("virtual display", "display", d.Name, "err", err)
			wake = 5 * time.Second
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(min(max(wake, time.Second), longestSleep)):
		}
	}
}

func (d *Display) poll(ctx context.Context) (time.Duration, error) {
	if d.Kind == Native {
		return d.pollNative(ctx)
	}
	return d.pollTRMNL(ctx)
}

// get sends a request and returns the answer's body, at most 4 MB of it.
func (d *Display) get(ctx context.Context, method, url string, header map[string]string, body []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := d.HTTP.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	return resp, content, err
}

func (d *Display) size() (model string, w, h int) {
	if d.Kind == TRMNLX {
		return "x", 1872, 1404
	}
	return "og", 800, 480
}

// pollTRMNL is one wake of a display that speaks the TRMNL protocol.
func (d *Display) pollTRMNL(ctx context.Context) (time.Duration, error) {
	model, w, h := d.size()
	header := map[string]string{
		"ID": d.MAC, "Model": model, "FW-Version": "1.8.14", "Battery-Voltage": "4.02", "RSSI": "-58",
		"Width": strconv.Itoa(w), "Height": strconv.Itoa(h), "Refresh-Rate": "60",
	}
	if d.token == "" {
		resp, body, err := d.get(ctx, "GET", d.URL+"/api/setup", header, nil)
		if err != nil {
			return 0, err
		}
		var setup struct {
			APIKey     string `json:"api_key"`
			FriendlyID string `json:"friendly_id"`
		}
		if err := json.Unmarshal(body, &setup); err != nil || setup.APIKey == "" {
			return 0, errors.Join(fmt.Errorf("set-up answered %s", resp.Status), err)
		}
		d.token = setup.APIKey
		if err := d.claim(ctx, setup.FriendlyID); err != nil {
			return 0, err
		}
	}
	header["Access-Token"] = d.token
	resp, body, err := d.get(ctx, "GET", d.URL+"/api/display", header, nil)
	if err != nil {
		return 0, err
	}
	var show struct {
		Status   int    `json:"status"`
		ImageURL string `json:"image_url"`
		Filename string `json:"filename"`
		Refresh  int    `json:"refresh_rate"`
	}
	if err := json.Unmarshal(body, &show); err != nil || resp.StatusCode != http.StatusOK {
		return 0, errors.Join(fmt.Errorf("display answered %s", resp.Status), err)
	}
	if show.Filename != d.filename && show.ImageURL != "" {
		resp, picture, err := d.get(ctx, "GET", show.ImageURL, nil, nil)
		if err != nil {
			return 0, err
		}
		if resp.StatusCode != http.StatusOK || !bytes.HasPrefix(picture, []byte("\x89PNG")) && !bytes.HasPrefix(picture, []byte("BM")) {
			return 0, fmt.Errorf("picture answered %s", resp.Status)
		}
		d.filename = show.Filename
	}
	return time.Duration(show.Refresh) * time.Second, nil
}

// pollNative is one wake of a display that speaks Lintel's own protocol.
func (d *Display) pollNative(ctx context.Context) (time.Duration, error) {
	if d.token == "" {
		body, err := json.Marshal(map[string]any{
			"hw_id": d.MAC, "model": "virtual-10", "fw": "1.0",
			"caps":  map[string]any{"w": 1024, "h": 768, "bits": 2, "palette": "gray4", "formats": []string{"png"}},
			"claim": d.receipt,
		})
		if err != nil {
			return 0, err
		}
		resp, answer, err := d.get(ctx, "POST", d.URL+"/api/device/v1/enrol", map[string]string{"Content-Type": "application/json"}, body)
		if err != nil {
			return 0, err
		}
		var enrol struct {
			Code  string `json:"code"`
			Claim string `json:"claim"`
			Token string `json:"token"`
		}
		if err := json.Unmarshal(answer, &enrol); err != nil {
			return 0, fmt.Errorf("enrol answered %s: %w", resp.Status, err)
		}
		if enrol.Token == "" {
			d.receipt = enrol.Claim
			return 2 * time.Second, d.claim(ctx, enrol.Code)
		}
		d.token = enrol.Token
	}
	header := map[string]string{
		"Authorization": "Bearer " + d.token, "X-Battery-Percent": "87", "X-Rssi": "-61", "X-Fw": "1.0", "X-Wake-Reason": "timer",
	}
	if d.etag != "" {
		header["If-None-Match"] = d.etag
	}
	resp, _, err := d.get(ctx, "GET", d.URL+"/api/device/v1/frame", header, nil)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotModified {
		return 0, fmt.Errorf("frame answered %s", resp.Status)
	}
	d.etag = resp.Header.Get("ETag")
	wake, err := strconv.Atoi(strings.TrimSpace(resp.Header.Get("X-Next-Wake")))
	return time.Duration(wake) * time.Second, err
}

// claim tells of the code on the glass, once.
func (d *Display) claim(ctx context.Context, code string) error {
	if d.claimed || code == "" {
		return nil
	}
	if err := d.Claim(ctx, code, *d); err != nil {
		return fmt.Errorf("approve: %w", err)
	}
	d.claimed = true
	return nil
}
