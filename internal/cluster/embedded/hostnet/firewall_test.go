package hostnet

import (
	"net/netip"
	"strings"
	"testing"
)

func TestRules_ReplaceTheirTableWhole(t *testing.T) {
	for name, text := range map[string]string{
		"inet slipway_acme": HostRules("acme", netip.MustParsePrefix("10.231.0.4/30")),
		"ip slipway":        NodeRules(netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("10.96.0.0/16")),
	} {
		want := "table " + name + " {}\ndelete table " + name + "\ntable " + name + " {\n"
		if !strings.HasPrefix(text, want) {
			t.Errorf("rules begin with\n%.200s\nwant\n%s", text, want)
		}
	}
}

func TestHostRules_CloseTheNodeToOthers(t *testing.T) {
	text := HostRules("acme", netip.MustParsePrefix("10.231.0.4/30"))
	for _, rule := range []string{
		`ip daddr 10.231.0.5 iifname != { "` + LinkName("acme") + `", "lo" } drop`,
		`oifname "` + LinkName("acme") + `" ct state established,related accept`,
		`oifname "` + LinkName("acme") + `" drop`,
		`ip saddr 10.231.0.4/30 oifname != "` + LinkName("acme") + `" masquerade`,
	} {
		if !strings.Contains(text, "\t\t"+rule+"\n") {
			t.Errorf("no rule %s in\n%s", rule, text)
		}
	}
}

func TestNodeRules_AServicesAddressNeverLeavesTheNode(t *testing.T) {
	text := NodeRules(netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("10.96.0.0/16"))
	rule := `ip daddr 10.96.0.0/16 oifname "` + NodeLink + `" jump unknown_service`
	for _, hook := range []string{"output", "forward"} {
		want := "chain " + hook + " {\n\t\ttype filter hook " + hook + " priority filter; policy accept;\n\t\t" + rule + "\n"
		if !strings.Contains(text, want) {
			t.Errorf("no rule for %s in\n%s", hook, text)
		}
	}
}
