// The same as Threads.fble, in Go.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
)

func wait(line string, in *bufio.Reader) {
	fmt.Println(line)
	in.ReadString('\n')
}

func main() {
	n, _ := strconv.Atoi(os.Args[2])
	switch os.Args[1] {
	case "switch":
		c := make(chan int)
		go func() {
			for i := n; i > 0; i-- {
				c <- i
			}
			close(c)
		}()
		for range c {
		}
	case "start":
		for ; n > 0; n-- {
			done := make(chan struct{})
			go func() { done <- struct{}{} }()
			<-done
		}
	case "park":
		c := make(chan int)
		in := bufio.NewReader(os.Stdin)
		var all sync.WaitGroup
		all.Add(n)
		for i := 0; i < n; i++ {
			go func() {
				for range c {
				}
				all.Done()
			}()
		}
		runtime.Gosched()
		wait("parked", in)
		close(c)
		all.Wait()
		wait("ended", in)
	}
}
