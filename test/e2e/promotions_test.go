//go:build e2e

package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// stage is an application with people around it, and a governed environment of its own.
type stage struct {
	p *platform
	// app is what team has; dir is a clone of its repository.
	team, app, dir, env string
	// ada is a developer, bob a developer and an approver, cai an approver; pam and pat run the platform, and eve is an auditor.
	ada, bob, cai, pam, pat, eve *person
}

// promotion is what the tests look at.
type shownPromotion struct {
	Number                  int
	State, Reason           string
	BrokenGlass, Unreviewed bool
	Gates                   []struct{ Name, Verdict, Reason string }
	Approvals               []struct {
		By     struct{ Username string }
		Counts bool
		Reason string
	}
	Decisions []struct {
		Index   int
		Outcome string
	}
	Release struct{ Digest, Version string }
}

func (p shownPromotion) gate(name string) string {
	for _, g := range p.Gates {
		if g.Name == name {
			return g.Verdict
		}
	}
	return "none"
}

func (s *stage) show(t *testing.T, number int) (shownPromotion, error) {
	t.Helper()
	out, err := s.eve.try(t, "promotion", "show", fmt.Sprintf("%s/%s#%d", s.team, s.app, number), "-o", "json")
	if err != nil {
		return shownPromotion{}, fmt.Errorf("%w: %s", err, out)
	}
	return decode[shownPromotion](t, out), nil
}

// until waits until a promotion is as is wanted.
func (s *stage) until(t *testing.T, number int, what string, is func(shownPromotion) bool) shownPromotion {
	t.Helper()
	var seen shownPromotion
	eventually(t, promotes, fmt.Sprintf("promotion %d %s", number, what), func() error {
		var err error
		if seen, err = s.show(t, number); err == nil && !is(seen) {
			err = fmt.Errorf("it is %s: %s; gates %v; decisions %v", seen.State, seen.Reason, seen.Gates, seen.Decisions)
		}
		return err
	})
	return seen
}

func (s *stage) promote(t *testing.T, by *person) int {
	t.Helper()
	var out string
	eventually(t, promotes, "the promotion is open", func() (err error) { // asked for again it is the same
		if out, err = by.try(t, "promote", s.team+"/"+s.app, "--from", "dev", "--to", s.env, "-o", "json"); err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	})
	return decode[shownPromotion](t, out).Number
}

// push commits as somebody what change makes of a file, pushes it, and waits until it is healthy in dev.
func (s *stage) push(t *testing.T, by *person, message string, changes map[string]func(string) string) {
	t.Helper()
	for file, change := range changes {
		path := filepath.Join(s.dir, file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		after := change(string(text))
		if after == string(text) {
			t.Fatalf("%s: nothing is changed", file)
		}
		if err := os.WriteFile(path, []byte(after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.p.git(t, s.dir, "-c", "user.name="+by.name, "-c", "user.email="+by.email, "commit", "-qam", message)
	s.p.git(t, s.dir, "push", "-q", by.remote(t, s.team+"/"+s.app), "HEAD:main")
	head, err := s.p.tryGit(t, s.dir, "rev-parse", "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, firstBuild, message+" is healthy in dev", func() error {
		out, err := by.try(t, "app", "show", s.team+"/"+s.app, "-o", "json")
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		app := decode[struct {
			Deployments []struct {
				Environment, Health, Reason string
				Release                     struct{ Commit string }
			}
		}](t, out)
		for _, d := range app.Deployments {
			if d.Environment == "dev" && d.Release.Commit == strings.TrimSpace(head) && d.Health == "healthy" {
				return nil
			}
		}
		return fmt.Errorf("deployments are %+v", app.Deployments)
	})
}

// propose has pam ask for a change of gates, and pat approve it.
func (s *stage) propose(t *testing.T, name, text string) (number int) {
	t.Helper()
	s.p.write(t, name, text)
	number = decode[shownPromotion](t, s.pam.run(t, "policy", "propose", name, "-o", "json")).Number
	s.pat.review(t, number, "APPROVED")
	eventually(t, promotes, "change "+fmt.Sprint(number)+" is in force", func() error {
		out, err := s.pam.try(t, "policy", "show", fmt.Sprint(number))
		if err == nil && !strings.Contains(out, "in force") {
			err = fmt.Errorf("%s", out)
		}
		return err
	})
	return number
}

// decisions counts the decisions in the log of an outcome and about something.
func (s *stage) decisions(t *testing.T, outcome, about string) (count int) {
	t.Helper()
	for _, d := range decode[[]struct{ Outcome, Application, Environment, Path string }](t,
		s.eve.run(t, "audit", "list", "--limit", "0", "-o", "json")) {
		if d.Outcome == outcome && (d.Path == about || d.Application+"/"+d.Environment == about) {
			count++
		}
	}
	return count
}

// finding waits for a finding that says something.
func (s *stage) finding(t *testing.T, kind string, texts ...string) {
	t.Helper()
	eventually(t, promotes, "finding of "+kind, func() error {
		out, err := s.eve.try(t, "audit", "findings", "-o", "json")
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		for _, f := range decode[[]struct{ Kind, Subject, Reason, Environment, Application string }](t, out) {
			all := fmt.Sprintf("%+v", f)
			if f.Kind == kind && !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(all, text) }) {
				return nil
			}
		}
		return fmt.Errorf("the findings are %s", out)
	})
}

// status waits until `status` shows a finding: it gives the portal but a moment to answer.
func (s *stage) status(t *testing.T, text string) {
	t.Helper()
	eventually(t, settle, "status shows the finding", func() error {
		c := s.p.command(t.Context(), "status")
		c.Env = append(c.Env, "SLIPWAY_TOKEN="+s.eve.token, "SLIPWAY_SERVER="+s.p.url(t, "console"))
		shown, err := c.Output()
		out := string(shown)
		if err == nil && !strings.Contains(out, text) {
			err = fmt.Errorf("%s", tail(out, 20))
		}
		return err
	})
}

// testGates gives the team a governed environment with gates of its own, as two people of the platform decide.
func testGates(t *testing.T, s *stage) {
	shipped, err := os.ReadFile("../../catalog/policies/default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	policy := strings.NewReplacer("name: default", "name: "+s.env, "healthy: 2m", "healthy: 5s").Replace(string(shipped))
	s.p.write(t, "gates.yaml", policy)
	number := decode[shownPromotion](t, s.pam.run(t, "policy", "propose", "gates.yaml", "-o", "json")).Number
	for _, who := range []*person{s.ada, s.pam} { // neither counts: one has not the role, the other asked for it
		who.review(t, number, "APPROVED")
	}
	eventually(t, promotes, "both reviews are seen", func() error {
		out, err := s.pam.try(t, "policy", "show", fmt.Sprint(number))
		if err == nil && !(strings.Contains(out, "asked for the change") && strings.Contains(out, "has not the role platform-admin")) {
			err = fmt.Errorf("%s", out)
		}
		return err
	})
	if n := s.decisions(t, "allowed", "policies/"+s.env+".yaml"); n != 0 {
		t.Fatalf("%d decisions before anybody else approved", n)
	}
	s.propose(t, "gates.yaml", policy)
	s.propose(t, "environment.yaml", fmt.Sprintf("apiVersion: slipway.dev/v1alpha1\nkind: Environment\nmetadata: {name: %s}\n"+
		"spec: {team: %s, kind: prod, order: 90, policy: %s, description: takes releases by promotion}\n", s.env, s.team, s.env))
	for _, path := range []string{"policies/" + s.env + ".yaml", "environments/" + s.env + "/environment.yaml"} {
		if n := s.decisions(t, "allowed", path); n != 1 {
			t.Errorf("%d decisions on %s", n, path)
		}
	}
	first := s.promote(t, s.ada)
	s.bob.review(t, first, "APPROVED")
	s.until(t, first, "is healthy", func(p shownPromotion) bool { return p.State == "healthy" })
}

// insists posts something in person, and again where the answer took too long: what was done by then is there already.
func (who *person) insists(t *testing.T, path string, body any) {
	t.Helper()
	eventually(t, promotes, who.name+" posts "+path, func() error {
		err := who.inPerson(t, http.MethodPost, path, body, nil)
		if err != nil && strings.Contains(err.Error(), "already") {
			return nil
		}
		return err
	})
}

// testGlass promotes by broken glass what does not become healthy: it is rolled back, and stays a finding until a second
// person has looked.
func testGlass(t *testing.T, s *stage) {
	s.push(t, s.ada, "Fail where it is governed", map[string]func(string) string{
		"main.go": func(text string) string {
			return strings.Replace(text, `	port := os.Getenv("PORT")`, `	if place := os.Getenv("PLACE"); len(place) > 4 && place[len(place)-4:] != "-dev" {
		log.Error("nothing works here")
		os.Exit(1)
	}
	port := os.Getenv("PORT")`, 1)
		},
		"deploy/deployment.yaml": func(text string) string {
			text = strings.Replace(text, "spec:\n", "spec:\n  progressDeadlineSeconds: 15\n", 1)
			return strings.Replace(text, "          ports:\n", "          env:\n            - name: PLACE\n"+
				"              valueFrom: {fieldRef: {fieldPath: metadata.namespace}}\n          ports:\n", 1)
		},
	})
	number := s.promote(t, s.ada)
	path := fmt.Sprintf("/teams/%s/applications/%s/promotions/%d", s.team, s.app, number)
	reason := map[string]any{"reason": "payments are down; this is the fix"}
	if err := s.ada.inPerson(t, http.MethodPost, path+"/break-glass", reason, nil); err == nil {
		t.Error("a developer breaks the glass")
	}
	s.bob.insists(t, path+"/break-glass", reason)
	s.finding(t, "broken glass", s.app, s.env)
	s.status(t, "the glass was broken")
	seen := s.until(t, number, "is rolled back", func(p shownPromotion) bool { return p.State == "rolled back" })
	if !seen.BrokenGlass || !seen.Unreviewed {
		t.Errorf("%+v", seen)
	}
	for _, who := range []*person{s.bob, s.ada} {
		err := who.inPerson(t, http.MethodPost, path+"/break-glass/review", map[string]any{"accepted": true, "comment": "it was right, I say"}, nil)
		if err == nil {
			t.Errorf("%s answers for it, and is no second person", who.name)
		}
	}
	s.cai.insists(t, path+"/break-glass/review", map[string]any{"accepted": true, "comment": "the incident was real"})
	seen = s.until(t, number, "is reviewed", func(p shownPromotion) bool { return len(p.Decisions) == 3 })
	t.Logf("promotion %d: %s: %s; decisions %v", number, seen.State, seen.Reason, seen.Decisions)
	if seen.Unreviewed {
		t.Error("it is still said to be not reviewed")
	}
}

// testOwn has somebody with every role in the team try to bring an own change through alone, in a freeze; then others let
// it through, and the portal is killed between the log and the merge, and between the merge and the roll-out.
func testOwn(t *testing.T, s *stage) {
	s.push(t, s.bob, "Work everywhere", map[string]func(string) string{
		"main.go": func(text string) string { return strings.Replace(text, `!= "-dev"`, `== "-off"`, 1) },
	})
	s.propose(t, "freezes.yaml", fmt.Sprintf("freezes:\n- {name: fair, reason: nobody is there to help, environments: [%s], "+
		"from: 2020-01-01T00:00:00Z, until: 2100-01-01T00:00:00Z}\n", s.env))
	number := s.promote(t, s.bob)
	path := fmt.Sprintf("/teams/%s/applications/%s/promotions/%d", s.team, s.app, number)
	s.bob.review(t, number, "APPROVED")
	waiver := map[string]any{"gate": "freeze", "reason": "the fix must be out today", "until": time.Now().Add(time.Hour).UTC()}
	if err := s.bob.inPerson(t, http.MethodPost, path+"/waivers", waiver, nil); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("bob waives a gate of an own change: %v", err)
	}
	testAround(t, s.p, s.ada, s.bob, number)
	seen := s.until(t, number, "shows that the own approval does not count", func(p shownPromotion) bool {
		return len(p.Approvals) > 0 && p.gate("freeze") == "fail" && p.gate("approvals") == "fail"
	})
	if seen.Approvals[0].Counts || len(seen.Decisions) > 0 {
		t.Errorf("%+v", seen)
	}
	s.cai.insists(t, path+"/waivers", waiver)
	s.until(t, number, "has a waived gate", func(p shownPromotion) bool { return p.gate("freeze") == "waived" })
	before := s.decisions(t, "allowed", s.app+"/"+s.env)

	// The forge refuses to merge while a status is missing that nobody sets; a new life of the portal takes that away.
	s.p.forge(t, http.MethodPatch, "/repos/slipway/environments/branch_protections/main",
		map[string]any{"status_check_contexts": []string{"slipway/gates", "test/hold"}}, nil)
	s.cai.review(t, number, "APPROVED")
	s.until(t, number, "is decided, and not merged", func(p shownPromotion) bool { return p.State == "allowed" && len(p.Decisions) == 1 })
	s.pause(t, true)
	s.kill(t, 3)
	s.until(t, number, "is merged by a later life", func(p shownPromotion) bool { return p.State == "merged" })
	s.kill(t, 3)
	s.pause(t, false)
	seen = s.until(t, number, "is healthy", func(p shownPromotion) bool { return p.State == "healthy" })
	if n := s.decisions(t, "allowed", s.app+"/"+s.env); n != before+1 || len(seen.Decisions) != 1 {
		t.Errorf("%d decisions before, %d after, %v", before, n, seen.Decisions)
	}
	merges := 0
	var commits []struct{ Commit struct{ Message string } }
	s.p.forge(t, http.MethodGet, "/repos/slipway/environments/commits?sha=main&limit=50&stat=false&files=false", nil, &commits)
	for _, c := range commits {
		if strings.HasPrefix(c.Commit.Message, fmt.Sprintf("Promote %s to %s (#%d)", s.app, s.env, number)) {
			merges++
		}
	}
	if merges != 1 {
		t.Errorf("merged %d times", merges)
	}
	s.propose(t, "freezes.yaml", "freezes: []\n")
}

// kill kills the portal some times, without grace, each time as soon as it is there again.
func (s *stage) kill(t *testing.T, times int) {
	t.Helper()
	for range times {
		s.p.run(t, "kubectl", "-n", "slipway", "delete", "pod", "-l", "app.kubernetes.io/name=console", "--force", "--grace-period=0", "--wait=false")
		time.Sleep(1500 * time.Millisecond)
	}
	eventually(t, promotes, "the portal is back", func() error {
		out, err := s.eve.try(t, "audit", "findings")
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	})
}

// pause keeps the delivery tool from taking over what is merged for the application.
func (s *stage) pause(t *testing.T, on bool) {
	t.Helper()
	names := strings.Fields(s.p.run(t, "kubectl", "-n", "argocd", "get", "applications.argoproj.io", "-o", "name"))
	i := slices.IndexFunc(names, func(n string) bool { return strings.Contains(n, s.app) && strings.Contains(n, s.env) })
	if i < 0 {
		t.Fatalf("there is no application for %s in %s among %v", s.app, s.env, names)
	}
	mark := "argocd.argoproj.io/skip-reconcile-"
	if on {
		mark = "argocd.argoproj.io/skip-reconcile=true"
	}
	s.p.run(t, "kubectl", "-n", "argocd", "annotate", "--overwrite", names[i], mark)
}

// testAroundSlipway does as the Git server's and the cluster's administrator what nobody decided: each is found.
func testAroundSlipway(t *testing.T, s *stage) {
	// Nobody but Slipway pushes there; who administers the server first gives away that right.
	s.p.forge(t, http.MethodPatch, "/repos/slipway/environments/branch_protections/main",
		map[string]any{"enable_push": true, "enable_push_whitelist": false}, nil)
	put := func(path, text string) {
		t.Helper()
		s.p.forge(t, http.MethodPost, "/repos/slipway/environments/contents/"+path, map[string]any{"branch": "main",
			"message": "By hand", "content": base64.StdEncoding.EncodeToString([]byte(text))}, nil)
	}
	put("policies/"+s.env+"-easy.yaml", "by hand\n")
	s.finding(t, "gates", "policies/"+s.env+"-easy.yaml")
	put("environments/"+s.env+"/"+s.app+"/manifests/configmap-extra.yaml",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {by: hand}\n")
	s.finding(t, "commit", s.app, s.env)
	namespace := s.team + "-" + s.env
	s.pause(t, true) // the delivery tool would put it right before anybody looks
	defer s.pause(t, false)
	other := "registry.invalid/" + s.app + "@sha256:" + strings.Repeat("cd", 32)
	s.p.run(t, "kubectl", "-n", namespace, "set", "image", "deployment/"+s.app, s.app+"="+other)
	s.finding(t, "image", "sha256:"+strings.Repeat("cd", 32))
	s.status(t, "on which promotions are decided")
	measured := s.p.run(t, "kubectl", "get", "--raw", "/api/v1/namespaces/slipway/services/console:9090/proxy/metrics")
	for _, kind := range []string{"undecided-gates", "undecided-commit", "undecided-image"} {
		if !strings.Contains(measured, `kind="`+kind+`"`) {
			t.Errorf("the metrics do not count %s", kind)
		}
	}
}
