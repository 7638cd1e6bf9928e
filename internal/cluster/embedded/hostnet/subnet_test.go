package hostnet

import (
	"net/netip"
	"testing"
)

func TestPickSubnet_SameNameSameNetwork(t *testing.T) {
	first, err := PickSubnet("acme", nil)
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := PickSubnet("acme", nil); first != second {
		t.Errorf("%s, then %s", first, second)
	}
	if first.Bits() != 30 || !pool.Contains(first.Addr()) || first != first.Masked() {
		t.Errorf("%s is no /30 of %s", first, pool)
	}
}

func TestPickSubnet_AvoidsWhatIsTaken(t *testing.T) {
	var taken []netip.Prefix
	for range 50 {
		p, err := PickSubnet("acme", taken)
		if err != nil {
			t.Fatal(err)
		}
		if Meets(p, taken) {
			t.Fatalf("%s is taken", p)
		}
		taken = append(taken, p)
	}
}

func TestPickSubnet_FullPoolIsAnError(t *testing.T) {
	if p, err := PickSubnet("acme", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}); err == nil {
		t.Errorf("got %s", p)
	}
}

func TestMeets_TheDefaultRouteMeetsNothing(t *testing.T) {
	if Meets(netip.MustParsePrefix("10.231.0.0/30"), []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}) {
		t.Error("it met the default route")
	}
}

func TestLinkName_FitsTheKernel(t *testing.T) {
	for _, platform := range []string{"a", "a-name-that-is-as-long-as-a-dns-label-can-be-which-is-63-letters"} {
		if name := LinkName(platform); len(name) > 15 {
			t.Errorf("%s has %d characters", name, len(name))
		}
	}
}
