package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// onTerminal runs the program on a terminal of its own, which only Linux opens in this way. say types a line when the program has asked for
// it with a prompt; end returns what the terminal showed, and the exit code.
func onTerminal(t *testing.T, env []string, args ...string) (say func(prompt, line string), end func() (shown string, code int)) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	control := func(request uintptr, value unsafe.Pointer) {
		t.Helper()
		if _, _, code := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(value)); code != 0 {
			t.Fatal(code)
		}
	}
	var unlock, number int32
	control(syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	control(syscall.TIOCGPTN, unsafe.Pointer(&number))
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, args...)
	cmd.Env = environment(t, env)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = screen, screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // so that Ctrl-C reaches it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = screen.Close() // the program has it
	var text transcript
	read := make(chan struct{})
	go func() {
		defer close(read)
		b := make([]byte, 1024)
		for {
			n, err := master.Read(b)
			_, _ = text.Write(b[:n])
			if err != nil {
				return // the program has ended
			}
		}
	}()
	seen := 0
	say = func(prompt, line string) {
		t.Helper()
		for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
			var state syscall.Termios
			control(syscall.TCGETS, unsafe.Pointer(&state))
			silent := state.Lflag&syscall.ECHO == 0 // it asks first, and is silent then
			if at := strings.Index(text.String()[seen:], prompt); silent && at >= 0 {
				seen += at + len(prompt)
				break
			}
			if time.Since(began) > patience {
				_ = cmd.Process.Kill()
				t.Fatalf("it never asks %q in silence: %s", prompt, &text)
			}
		}
		out, err := exec.Command("ps", "-ww", "-o", "args=", "-p", fmt.Sprint(cmd.Process.Pid)).Output()
		if err != nil || strings.Contains(string(out), grace) {
			t.Errorf("ps says %s, %v", out, err)
		}
		if _, err := master.WriteString(line); err != nil {
			t.Fatal(err)
		}
	}
	end = func() (string, int) {
		t.Helper()
		limit := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer limit.Stop()
		_ = cmd.Wait() // the state tells it
		<-read
		var state syscall.Termios
		if control(syscall.TCGETS, unsafe.Pointer(&state)); state.Lflag&syscall.ECHO == 0 {
			t.Error("the terminal stays silent")
		}
		return strings.ReplaceAll(text.String(), "\r\n", "\n"), cmd.ProcessState.ExitCode()
	}
	return say, end
}

// Who types a password is asked twice, and does not see it.
func TestUserOnATerminal(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	const first, second = "Password of grace: ", "Once more: "

	say, end := onTerminal(t, env, "user", "create", "grace")
	say(first, grace+"\n")
	say(second, grace+"\n")
	shown, code := end()
	want(t, "the terminal", shown, first+"\n"+second+"\ngrace was created: account 1, role viewer, with a password.\n")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	s := start(t, env...)
	login(t, s, "grace", grace, 200)

	say, end = onTerminal(t, env, "user", "password", "grace")
	say(first, grace+" too\n")
	say(second, grace+" two\n")
	shown, code = end()
	want(t, "the terminal", shown, first+"\n"+second+"\nlabledger: nothing was changed: the two are not the same\n")
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}

	// Ctrl-C.
	say, end = onTerminal(t, env, "user", "password", "grace")
	say(first, "\x03")
	shown, code = end()
	says(t, shown, "stopped; nothing was changed")
	if code != 1 {
		t.Errorf("exit code %d after Ctrl-C, want 1", code)
	}
	login(t, s, "grace", grace, 200)
}
