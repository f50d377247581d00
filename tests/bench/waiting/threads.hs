-- The same as Threads.fble, in Haskell: an MVar is a channel without room, but for one item.
module Main where

import Control.Concurrent
import Control.Monad
import System.Environment
import System.IO

main :: IO ()
main = do
  [kind, count] <- getArgs
  hSetBuffering stdout LineBuffering
  let n = read count :: Int
  case kind of
    "switch" -> do
      there <- newEmptyMVar
      back <- newEmptyMVar
      _ <- forkIO (forever (takeMVar there >>= putMVar back))
      let go :: Int -> IO ()
          go 0 = return ()
          go i = do
            putMVar there i
            _ <- takeMVar back
            go (i - 1)
      go (n `div` 2)
    "start" -> replicateM_ n (do
      done <- newEmptyMVar
      _ <- forkIO (putMVar done ())
      takeMVar done)
    "park" -> do
      channel <- newEmptyMVar :: IO (MVar Int)
      ended <- newEmptyMVar
      forM_ [1 .. n] (\_ -> forkIO (takeMVar channel >> putMVar ended ()))
      yield
      wait "parked"
      forM_ [1 .. n] (\i -> putMVar channel i >> takeMVar ended)
      wait "ended"
    _ -> return ()

wait :: String -> IO ()
wait line = putStrLn line >> void getLine
